package dev.molo.cri;

import dev.molo.cri.v1.ImageStatusRequest;
import dev.molo.cri.v1.ImageStatusResponse;
import dev.molo.image.Images;

/** ImageStatus: one image; an empty answer when it is not here. */
record ImageStatusCall(Images images)
    implements UnaryCall<ImageStatusRequest, ImageStatusResponse> {
  @Override
  public ImageStatusResponse answer(ImageStatusRequest request, Caller caller) {
    ImageStatusResponse.Builder response = ImageStatusResponse.newBuilder();
    images
        .find(request.getImage().getImage())
        .ifPresent(image -> {
          response.setImage(ImageMessages.image(image));
          if (request.getVerbose()) {
            response.putAllInfo(VerboseInfo.image(image));
          }
        });
    return response.build();
  }
}
