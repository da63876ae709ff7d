package dev.molo.cri;

import dev.molo.cri.v1.StopPodSandboxRequest;
import dev.molo.cri.v1.StopPodSandboxResponse;
import dev.molo.pod.PodRuntime;

/** StopPodSandbox: ends a pod's containers and gives its network back. An unknown id succeeds. */
record StopPodSandboxCall(PodRuntime runtime)
    implements UnaryCall<StopPodSandboxRequest, StopPodSandboxResponse> {
  @Override
  public StopPodSandboxResponse answer(StopPodSandboxRequest request, Caller caller) {
    runtime.stopPodSandbox(request.getPodSandboxId());
    return StopPodSandboxResponse.getDefaultInstance();
  }
}
