package dev.molo.cri;

import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.cri.v1.RunPodSandboxResponse;
import dev.molo.fault.FaultException;
import dev.molo.pod.PodRuntime;
import dev.molo.spec.SandboxId;

/**
 * RunPodSandbox: makes a pod. Goes on when the client hangs up; a retry of the same bytes joins it.
 */
record RunPodSandboxCall(PodRuntime runtime, CriFacts facts)
    implements UnaryCall<RunPodSandboxRequest, RunPodSandboxResponse> {
  @Override
  public RunPodSandboxResponse answer(RunPodSandboxRequest request, Caller caller) {
    String handler = request.getRuntimeHandler();
    if (!facts.handlers().containsKey(handler)) {
      throw FaultException.invalid("runtime_handler %s is not configured", Shown.quoted(handler));
    }
    SandboxId id =
        runtime.runPodSandbox(SandboxMapping.spec(request), CanonicalRequests.of(request));
    return RunPodSandboxResponse.newBuilder().setPodSandboxId(id.value()).build();
  }
}
