package dev.molo.cri;

import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.CreateContainerResponse;
import dev.molo.pod.PodRuntime;
import dev.molo.spec.ContainerId;

/**
 * CreateContainer: prepares a container in a pod. Goes on when the client hangs up; a retry of the
 * same bytes joins it.
 */
record CreateContainerCall(PodRuntime runtime)
    implements UnaryCall<CreateContainerRequest, CreateContainerResponse> {
  @Override
  public CreateContainerResponse answer(CreateContainerRequest request, Caller caller) {
    ContainerId id =
        runtime.createContainer(
            request.getPodSandboxId(),
            ContainerMapping.spec(request.getConfig()),
            CanonicalRequests.of(request));
    return CreateContainerResponse.newBuilder().setContainerId(id.value()).build();
  }
}
