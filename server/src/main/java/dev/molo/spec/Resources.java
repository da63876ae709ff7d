package dev.molo.spec;

import java.util.List;
import java.util.Map;

/**
 * Limits of a container (CRI LinuxContainerResources). As in CRI, 0 and the empty string mean "not
 * given".
 *
 * @param cpuPeriod microseconds
 * @param cpuQuota microseconds in each period; -1 for no limit
 * @param cpuShares relative, 2 to 262144
 * @param memoryLimit bytes
 * @param oomScoreAdj -1000 to 1000
 * @param memorySwapLimit bytes of memory and swap together; -1 for no limit
 * @param unified cgroup v2 file to content
 */
public record Resources(
    long cpuPeriod,
    long cpuQuota,
    long cpuShares,
    long memoryLimit,
    long memorySwapLimit,
    long oomScoreAdj,
    String cpusetCpus,
    String cpusetMems,
    List<HugepageLimit> hugepageLimits,
    Map<String, String> unified) {
  public static final Resources NONE = new Resources(0, 0, 0, 0, 0, 0, "", "", List.of(), Map.of());

  public Resources {
    hugepageLimits = List.copyOf(hugepageLimits);
    unified = Map.copyOf(unified);
  }

  /**
   * A limit on huge pages of one size.
   *
   * @param pageSize as the kernel names it in hugetlb files: 2MB, 1GB
   * @param limit bytes; unsigned 64 bits
   */
  public record HugepageLimit(String pageSize, long limit) {}
}
