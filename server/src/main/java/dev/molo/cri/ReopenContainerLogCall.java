package dev.molo.cri;

import dev.molo.cri.v1.ReopenContainerLogRequest;
import dev.molo.cri.v1.ReopenContainerLogResponse;
import dev.molo.pod.PodRuntime;

/** ReopenContainerLog: opens a running container's log path anew. */
record ReopenContainerLogCall(PodRuntime runtime)
    implements UnaryCall<ReopenContainerLogRequest, ReopenContainerLogResponse> {
  @Override
  public ReopenContainerLogResponse answer(ReopenContainerLogRequest request, Caller caller) {
    runtime.reopenContainerLog(request.getContainerId());
    return ReopenContainerLogResponse.getDefaultInstance();
  }
}
