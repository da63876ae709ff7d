package dev.molo.cri;

import dev.molo.cri.v1.StreamPodSandboxesRequest;
import dev.molo.cri.v1.StreamPodSandboxesResponse;
import dev.molo.pod.PodRuntime;
import java.util.Iterator;

/** StreamPodSandboxes: ListPodSandbox in portions. */
record StreamPodSandboxesCall(PodRuntime runtime)
    implements StreamingCall<StreamPodSandboxesRequest, StreamPodSandboxesResponse> {
  @Override
  public Iterator<StreamPodSandboxesResponse> portions(
      StreamPodSandboxesRequest request, Caller caller) {
    return new Portions<>(
        Selection.sandboxes(runtime.podSandboxes(), request.getFilter()),
        SandboxMessages::brief,
        items -> StreamPodSandboxesResponse.newBuilder().addAllPodSandboxes(items).build());
  }
}
