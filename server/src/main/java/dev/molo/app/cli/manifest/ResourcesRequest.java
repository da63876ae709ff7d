package dev.molo.app.cli.manifest;

import dev.molo.app.cli.manifest.PodManifest.Container;
import dev.molo.app.cli.manifest.PodManifest.Resources;
import dev.molo.cri.v1.HugepageLimit;
import dev.molo.cri.v1.LinuxContainerResources;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Requests and limits as the kubelet hands them to a runtime (kubernetes pkg/kubelet/cm
 * helpers_linux.go and pkg/kubelet/qos policy.go).
 */
final class ResourcesRequest {
  private static final long PERIOD_MICROS = 100_000;
  private static final long MIN_QUOTA_MICROS = 1000;
  private static final long MIN_SHARES = 2;
  private static final long MAX_SHARES = 262_144;
  private static final int GUARANTEED = -997;
  private static final int BEST_EFFORT = 1000;

  private ResourcesRequest() {}

  /**
   * What is asked of the runtime.
   *
   * @param memoryCapacity bytes of the host
   */
  static LinuxContainerResources of(PodManifest pod, Container container, long memoryCapacity) {
    Resources asked = container.resources();
    LinuxContainerResources.Builder request =
        LinuxContainerResources.newBuilder()
            .setCpuShares(shares(cpuRequest(asked)))
            .setOomScoreAdj(oomScoreAdj(pod, asked, memoryCapacity));
    asked
        .cpuLimit()
        .map(ResourcesRequest::millis)
        .filter(millis -> millis > 0)
        .ifPresent(millis -> request.setCpuPeriod(PERIOD_MICROS).setCpuQuota(quota(millis)));
    asked.memoryLimit().ifPresent(bytes -> request.setMemoryLimitInBytes(whole(bytes)));
    asked
        .hugepages()
        .forEach((size, bytes) ->
            request.addHugepageLimits(
                HugepageLimit.newBuilder().setPageSize(size + "B").setLimit(bytes)));
    return request.build();
  }

  private static int oomScoreAdj(PodManifest pod, Resources asked, long memoryCapacity) {
    List<Resources> all =
        Stream.concat(pod.initContainers().stream(), pod.containers().stream())
            .map(Container::resources)
            .toList();
    if (all.stream().allMatch(ResourcesRequest::isGuaranteed)) {
      return GUARANTEED;
    }
    if (all.stream().allMatch(ResourcesRequest::isBestEffort)) {
      return BEST_EFFORT;
    }
    long request = memoryRequest(asked).map(ResourcesRequest::whole).orElse(0L);
    long score = 1000 - Math.min(1000, (long) (1000.0 * request / memoryCapacity));
    return Math.clamp(score, 1000 + GUARANTEED, BEST_EFFORT - 1);
  }

  private static boolean isGuaranteed(Resources asked) {
    return asked.cpuLimit().isPresent()
        && asked.memoryLimit().isPresent()
        && equal(cpuRequest(asked), asked.cpuLimit())
        && equal(memoryRequest(asked), asked.memoryLimit());
  }

  private static boolean isBestEffort(Resources asked) {
    return cpuRequest(asked).isEmpty() && memoryRequest(asked).isEmpty();
  }

  private static boolean equal(Optional<BigDecimal> a, Optional<BigDecimal> b) {
    return a.orElseThrow().compareTo(b.orElseThrow()) == 0;
  }

  /** A limit without a request counts as one, as the API server fills in. */
  private static Optional<BigDecimal> cpuRequest(Resources asked) {
    return asked.cpuRequest().or(asked::cpuLimit);
  }

  private static Optional<BigDecimal> memoryRequest(Resources asked) {
    return asked.memoryRequest().or(asked::memoryLimit);
  }

  private static long shares(Optional<BigDecimal> cores) {
    long shares = cores.map(c -> millis(c) * 1024 / 1000).orElse(0L);
    return Math.clamp(shares, MIN_SHARES, MAX_SHARES);
  }

  private static long quota(long millis) {
    return Math.max(MIN_QUOTA_MICROS, millis * PERIOD_MICROS / 1000);
  }

  private static long millis(BigDecimal cores) {
    return cores.movePointRight(3).setScale(0, RoundingMode.CEILING).longValue();
  }

  private static long whole(BigDecimal amount) {
    return amount.setScale(0, RoundingMode.CEILING).longValue();
  }
}
