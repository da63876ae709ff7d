package dev.molo.cri;

import dev.molo.cri.v1.ListImagesRequest;
import dev.molo.cri.v1.ListImagesResponse;
import dev.molo.image.Images;

/** ListImages: all images, or the one that the filter names. */
record ListImagesCall(Images images) implements UnaryCall<ListImagesRequest, ListImagesResponse> {
  @Override
  public ListImagesResponse answer(ListImagesRequest request, Caller caller) {
    ListImagesResponse.Builder response = ListImagesResponse.newBuilder();
    ImageSelection.images(images, request.getFilter())
        .forEach(image -> response.addImages(ImageMessages.image(image)));
    return response.build();
  }
}
