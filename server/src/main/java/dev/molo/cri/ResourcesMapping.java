package dev.molo.cri;

import dev.molo.cri.v1.HugepageLimit;
import dev.molo.cri.v1.LinuxContainerResources;
import dev.molo.spec.Resources;

/** Limits of containers, both ways. */
final class ResourcesMapping {
  private ResourcesMapping() {}

  static Resources resources(LinuxContainerResources resources) {
    return new Resources(
        resources.getCpuPeriod(),
        resources.getCpuQuota(),
        resources.getCpuShares(),
        resources.getMemoryLimitInBytes(),
        resources.getMemorySwapLimitInBytes(),
        resources.getOomScoreAdj(),
        resources.getCpusetCpus(),
        resources.getCpusetMems(),
        resources.getHugepageLimitsList().stream()
            .map(limit -> new Resources.HugepageLimit(limit.getPageSize(), limit.getLimit()))
            .toList(),
        resources.getUnifiedMap());
  }

  static LinuxContainerResources message(Resources resources) {
    LinuxContainerResources.Builder message =
        LinuxContainerResources.newBuilder()
            .setCpuPeriod(resources.cpuPeriod())
            .setCpuQuota(resources.cpuQuota())
            .setCpuShares(resources.cpuShares())
            .setMemoryLimitInBytes(resources.memoryLimit())
            .setMemorySwapLimitInBytes(resources.memorySwapLimit())
            .setOomScoreAdj(resources.oomScoreAdj())
            .setCpusetCpus(resources.cpusetCpus())
            .setCpusetMems(resources.cpusetMems())
            .putAllUnified(resources.unified());
    for (Resources.HugepageLimit limit : resources.hugepageLimits()) {
      message.addHugepageLimits(
          HugepageLimit.newBuilder().setPageSize(limit.pageSize()).setLimit(limit.limit()));
    }
    return message.build();
  }
}
