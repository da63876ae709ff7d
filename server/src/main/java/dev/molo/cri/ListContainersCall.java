package dev.molo.cri;

import dev.molo.cri.v1.ListContainersRequest;
import dev.molo.cri.v1.ListContainersResponse;
import dev.molo.pod.PodRuntime;

/** ListContainers: the containers that the filter lets through, from a snapshot. */
record ListContainersCall(PodRuntime runtime)
    implements UnaryCall<ListContainersRequest, ListContainersResponse> {
  @Override
  public ListContainersResponse answer(ListContainersRequest request, Caller caller) {
    ListContainersResponse.Builder response = ListContainersResponse.newBuilder();
    Selection.containers(runtime.containers(), request.getFilter())
        .forEach(container -> response.addContainers(ContainerMessages.brief(container)));
    return response.build();
  }
}
