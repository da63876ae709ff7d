package dev.molo.cri;

import dev.molo.cri.v1.RemoveImageRequest;
import dev.molo.cri.v1.RemoveImageResponse;
import dev.molo.image.Images;

/** RemoveImage: lets go of an image with all its names. An unknown one succeeds. */
record RemoveImageCall(Images images)
    implements UnaryCall<RemoveImageRequest, RemoveImageResponse> {
  @Override
  public RemoveImageResponse answer(RemoveImageRequest request, Caller caller) {
    images.remove(request.getImage().getImage());
    return RemoveImageResponse.getDefaultInstance();
  }
}
