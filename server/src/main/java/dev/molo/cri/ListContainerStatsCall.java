package dev.molo.cri;

import dev.molo.cri.v1.ListContainerStatsRequest;
import dev.molo.cri.v1.ListContainerStatsResponse;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.PodRuntime;
import dev.molo.spec.ContainerId;
import java.util.List;

/** ListContainerStats: what the running containers use that the filter lets through. */
record ListContainerStatsCall(PodRuntime runtime)
    implements UnaryCall<ListContainerStatsRequest, ListContainerStatsResponse> {
  @Override
  public ListContainerStatsResponse answer(ListContainerStatsRequest request, Caller caller) {
    ListContainerStatsResponse.Builder response = ListContainerStatsResponse.newBuilder();
    List<ContainerId> ids =
        Selection.running(runtime.containers(), request.getFilter()).stream()
            .map(ContainerSnapshot::id)
            .toList();
    runtime.containerUsages(ids).forEach(usage -> response.addStats(StatsMessages.stats(usage)));
    return response.build();
  }
}
