package dev.molo.pod;

import dev.molo.spec.Resources;
import dev.molo.spec.Resources.HugepageLimit;
import dev.molo.state.proto.ContainerResources;

/** Carries a container's limits to and from its record, once they differ from its request's. */
final class ResourcesOf {
  private ResourcesOf() {}

  /** As the container's record keeps them. */
  static ContainerResources resources(Resources resources) {
    ContainerResources.Builder record =
        ContainerResources.newBuilder()
            .setCpuPeriod(resources.cpuPeriod())
            .setCpuQuota(resources.cpuQuota())
            .setCpuShares(resources.cpuShares())
            .setMemoryLimit(resources.memoryLimit())
            .setMemorySwapLimit(resources.memorySwapLimit())
            .setOomScoreAdj(resources.oomScoreAdj())
            .setCpusetCpus(resources.cpusetCpus())
            .setCpusetMems(resources.cpusetMems())
            .putAllUnified(resources.unified());
    for (HugepageLimit limit : resources.hugepageLimits()) {
      record.addHugepageLimits(
          ContainerResources.HugepageLimit.newBuilder()
              .setPageSize(limit.pageSize())
              .setLimit(limit.limit()));
    }
    return record.build();
  }

  /** From a container's record. */
  static Resources record(ContainerResources record) {
    return new Resources(
        record.getCpuPeriod(),
        record.getCpuQuota(),
        record.getCpuShares(),
        record.getMemoryLimit(),
        record.getMemorySwapLimit(),
        record.getOomScoreAdj(),
        record.getCpusetCpus(),
        record.getCpusetMems(),
        record.getHugepageLimitsList().stream()
            .map(limit -> new HugepageLimit(limit.getPageSize(), limit.getLimit()))
            .toList(),
        record.getUnifiedMap());
  }
}
