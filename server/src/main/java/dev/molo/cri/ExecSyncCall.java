package dev.molo.cri;

import com.google.protobuf.UnsafeByteOperations;
import dev.molo.cri.v1.ExecSyncRequest;
import dev.molo.cri.v1.ExecSyncResponse;
import dev.molo.pod.ExecOutcome;
import dev.molo.pod.PodRuntime;

/**
 * ExecSync: runs a program in a container to its end. The program ends when the client hangs up.
 * Its output stays off the heap until it has been sent, and what is being sent is bounded over all
 * calls.
 */
record ExecSyncCall(PodRuntime runtime, SendBudget budget)
    implements UnaryCall<ExecSyncRequest, ExecSyncResponse> {
  @Override
  public ExecSyncResponse answer(ExecSyncRequest request, Caller caller) {
    ExecOutcome outcome =
        runtime.execSync(
            request.getContainerId(),
            request.getCmdList(),
            Seconds.bounded(request.getTimeout()),
            caller);
    caller.whenServed(outcome::close);
    budget.reserve(outcome.stdout().remaining() + outcome.stderr().remaining(), caller);
    return ExecSyncResponse.newBuilder()
        .setStdout(UnsafeByteOperations.unsafeWrap(outcome.stdout()))
        .setStderr(UnsafeByteOperations.unsafeWrap(outcome.stderr()))
        .setExitCode(outcome.exitCode())
        .build();
  }
}
