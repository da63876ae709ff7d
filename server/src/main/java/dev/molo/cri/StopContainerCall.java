package dev.molo.cri;

import dev.molo.cri.v1.StopContainerRequest;
import dev.molo.cri.v1.StopContainerResponse;
import dev.molo.pod.PodRuntime;

/** StopContainer: the stop signal, the grace period, then SIGKILL. An unknown id succeeds. */
record StopContainerCall(PodRuntime runtime)
    implements UnaryCall<StopContainerRequest, StopContainerResponse> {
  @Override
  public StopContainerResponse answer(StopContainerRequest request, Caller caller) {
    runtime.stopContainer(request.getContainerId(), Seconds.bounded(request.getTimeout()));
    return StopContainerResponse.getDefaultInstance();
  }
}
