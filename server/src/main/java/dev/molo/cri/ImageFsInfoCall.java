package dev.molo.cri;

import dev.molo.cri.v1.FilesystemUsage;
import dev.molo.cri.v1.ImageFsInfoRequest;
import dev.molo.cri.v1.ImageFsInfoResponse;
import dev.molo.image.Images;

/** ImageFsInfo: what images take of which file system. Writable layers lie on the same one. */
record ImageFsInfoCall(Images images)
    implements UnaryCall<ImageFsInfoRequest, ImageFsInfoResponse> {
  @Override
  public ImageFsInfoResponse answer(ImageFsInfoRequest request, Caller caller) {
    FilesystemUsage usage = ImageMessages.usage(images.usage());
    return ImageFsInfoResponse.newBuilder()
        .addImageFilesystems(usage)
        .addContainerFilesystems(usage)
        .build();
  }
}
