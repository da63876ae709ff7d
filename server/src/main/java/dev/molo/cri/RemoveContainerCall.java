package dev.molo.cri;

import dev.molo.cri.v1.RemoveContainerRequest;
import dev.molo.cri.v1.RemoveContainerResponse;
import dev.molo.pod.PodRuntime;

/** RemoveContainer: kills a container if need be and removes it. An unknown id succeeds. */
record RemoveContainerCall(PodRuntime runtime)
    implements UnaryCall<RemoveContainerRequest, RemoveContainerResponse> {
  @Override
  public RemoveContainerResponse answer(RemoveContainerRequest request, Caller caller) {
    runtime.removeContainer(request.getContainerId());
    return RemoveContainerResponse.getDefaultInstance();
  }
}
