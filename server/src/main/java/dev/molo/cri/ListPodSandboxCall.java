package dev.molo.cri;

import dev.molo.cri.v1.ListPodSandboxRequest;
import dev.molo.cri.v1.ListPodSandboxResponse;
import dev.molo.pod.PodRuntime;

/** ListPodSandbox: the pods that the filter lets through, from a snapshot. */
record ListPodSandboxCall(PodRuntime runtime)
    implements UnaryCall<ListPodSandboxRequest, ListPodSandboxResponse> {
  @Override
  public ListPodSandboxResponse answer(ListPodSandboxRequest request, Caller caller) {
    ListPodSandboxResponse.Builder response = ListPodSandboxResponse.newBuilder();
    Selection.sandboxes(runtime.podSandboxes(), request.getFilter())
        .forEach(sandbox -> response.addItems(SandboxMessages.brief(sandbox)));
    return response.build();
  }
}
