package dev.molo.cri;

import dev.molo.cri.v1.StreamImagesRequest;
import dev.molo.cri.v1.StreamImagesResponse;
import dev.molo.image.Images;
import java.util.Iterator;

/** StreamImages: ListImages in portions. */
record StreamImagesCall(Images images)
    implements StreamingCall<StreamImagesRequest, StreamImagesResponse> {
  @Override
  public Iterator<StreamImagesResponse> portions(StreamImagesRequest request, Caller caller) {
    return new Portions<>(
        ImageSelection.images(images, request.getFilter()),
        ImageMessages::image,
        items -> StreamImagesResponse.newBuilder().addAllImages(items).build());
  }
}
