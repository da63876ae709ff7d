package dev.molo.cri;

import dev.molo.cri.v1.ContainerStatsRequest;
import dev.molo.cri.v1.ContainerStatsResponse;
import dev.molo.pod.PodRuntime;

/** ContainerStats: what one container uses. */
record ContainerStatsCall(PodRuntime runtime)
    implements UnaryCall<ContainerStatsRequest, ContainerStatsResponse> {
  @Override
  public ContainerStatsResponse answer(ContainerStatsRequest request, Caller caller) {
    return ContainerStatsResponse.newBuilder()
        .setStats(StatsMessages.stats(runtime.containerUsage(request.getContainerId())))
        .build();
  }
}
