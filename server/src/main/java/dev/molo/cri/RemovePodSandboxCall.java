package dev.molo.cri;

import dev.molo.cri.v1.RemovePodSandboxRequest;
import dev.molo.cri.v1.RemovePodSandboxResponse;
import dev.molo.pod.PodRuntime;

/** RemovePodSandbox: stops a pod if need be and removes all of it. An unknown id succeeds. */
record RemovePodSandboxCall(PodRuntime runtime)
    implements UnaryCall<RemovePodSandboxRequest, RemovePodSandboxResponse> {
  @Override
  public RemovePodSandboxResponse answer(RemovePodSandboxRequest request, Caller caller) {
    runtime.removePodSandbox(request.getPodSandboxId());
    return RemovePodSandboxResponse.getDefaultInstance();
  }
}
