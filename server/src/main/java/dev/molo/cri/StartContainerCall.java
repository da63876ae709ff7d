package dev.molo.cri;

import dev.molo.cri.v1.StartContainerRequest;
import dev.molo.cri.v1.StartContainerResponse;
import dev.molo.pod.PodRuntime;

/** StartContainer: runs a created container's program. */
record StartContainerCall(PodRuntime runtime)
    implements UnaryCall<StartContainerRequest, StartContainerResponse> {
  @Override
  public StartContainerResponse answer(StartContainerRequest request, Caller caller) {
    runtime.startContainer(request.getContainerId());
    return StartContainerResponse.getDefaultInstance();
  }
}
