package dev.molo.cri;

import dev.molo.cri.v1.PodSandboxStatusRequest;
import dev.molo.cri.v1.PodSandboxStatusResponse;
import dev.molo.pod.PodRuntime;
import dev.molo.pod.SandboxSnapshot;

/** PodSandboxStatus: one pod in detail, from a snapshot. */
record PodSandboxStatusCall(PodRuntime runtime)
    implements UnaryCall<PodSandboxStatusRequest, PodSandboxStatusResponse> {
  @Override
  public PodSandboxStatusResponse answer(PodSandboxStatusRequest request, Caller caller) {
    SandboxSnapshot sandbox = runtime.podSandboxStatus(request.getPodSandboxId());
    PodSandboxStatusResponse.Builder response =
        PodSandboxStatusResponse.newBuilder().setStatus(SandboxMessages.status(sandbox));
    if (request.getVerbose()) {
      response.putAllInfo(VerboseInfo.sandbox(sandbox));
    }
    return response.build();
  }
}
