package dev.molo.cri;

import dev.molo.cri.v1.StreamContainerStatsRequest;
import dev.molo.cri.v1.StreamContainerStatsResponse;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.PodRuntime;
import dev.molo.spec.ContainerId;
import java.util.Iterator;
import java.util.List;

/** StreamContainerStats: ListContainerStats in portions. */
record StreamContainerStatsCall(PodRuntime runtime)
    implements StreamingCall<StreamContainerStatsRequest, StreamContainerStatsResponse> {
  @Override
  public Iterator<StreamContainerStatsResponse> portions(
      StreamContainerStatsRequest request, Caller caller) {
    List<ContainerId> ids =
        Selection.running(runtime.containers(), request.getFilter()).stream()
            .map(ContainerSnapshot::id)
            .toList();
    return new Portions<>(
        runtime.containerUsages(ids),
        StatsMessages::stats,
        items -> StreamContainerStatsResponse.newBuilder().addAllContainerStats(items).build());
  }
}
