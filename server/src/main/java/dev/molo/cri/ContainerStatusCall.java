package dev.molo.cri;

import dev.molo.cri.v1.ContainerStatusRequest;
import dev.molo.cri.v1.ContainerStatusResponse;
import dev.molo.image.Image;
import dev.molo.image.Images;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.PodRuntime;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * ContainerStatus: one container in detail, from a snapshot. Its image is shown by a tag or digest
 * that it has now, as peers do, because the kubelet asks for images by id and publishes what it
 * reads here.
 */
record ContainerStatusCall(PodRuntime runtime, Images images)
    implements UnaryCall<ContainerStatusRequest, ContainerStatusResponse> {
  @Override
  public ContainerStatusResponse answer(ContainerStatusRequest request, Caller caller) {
    ContainerSnapshot container = runtime.containerStatus(request.getContainerId());
    ContainerStatusResponse.Builder response =
        ContainerStatusResponse.newBuilder()
            .setStatus(ContainerMessages.status(container, imageName(container)));
    if (request.getVerbose()) {
      response.putAllInfo(VerboseInfo.container(container));
    }
    return response.build();
  }

  private String imageName(ContainerSnapshot container) {
    String asked = container.spec().image().image();
    if (container.imageId().isEmpty()) {
      return asked;
    }
    Optional<Image> image = images.find(container.imageId());
    return image
        .flatMap(found ->
            Stream.concat(found.repoTags().stream(), found.repoDigests().stream()).findFirst())
        .orElse(asked);
  }
}
