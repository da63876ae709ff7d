package dev.molo.pod;

import dev.molo.cgroup.ContainerCgroup;
import dev.molo.cgroup.Usage;
import dev.molo.linux.LinuxException;
import dev.molo.spec.ContainerId;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What containers use, read from their cgroups at the moment of asking; the CPU rate comes from the
 * two latest readings that are at least a second apart.
 *
 * <p>Thread-safe. Keeps one earlier reading for each container that was asked about.
 */
final class UsageSampler {
  private static final long LEAST_INTERVAL_NANOS = 1_000_000_000L;

  private record Reading(long at, long cpuNanos) {}

  private record Rate(Reading base, Reading latest) {}

  private final Node node;
  private final WritableLayers layers;
  private final Map<ContainerId, Rate> rates = new ConcurrentHashMap<>();

  UsageSampler(Node node, WritableLayers layers) {
    this.node = node;
    this.layers = layers;
  }

  ContainerUsage of(Container container) {
    long now = node.now();
    Optional<Usage> usage = container.cgroup().flatMap(UsageSampler::read);
    OptionalLong cpu = usage.map(Usage::cpuNanos).orElse(OptionalLong.empty());
    WritableLayers.Size layer = layers.size(container);
    return new ContainerUsage(
        container.snapshot(),
        now,
        cpu,
        cpu.isPresent() ? rate(container.id(), now, cpu.getAsLong()) : OptionalLong.empty(),
        value(usage, Usage::memoryCurrent),
        value(usage, Usage::workingSet),
        usage.map(UsageSampler::available).orElse(OptionalLong.empty()),
        value(usage, Usage::anonymous),
        value(usage, Usage::pageFaults),
        value(usage, Usage::majorPageFaults),
        value(usage, Usage::swapCurrent),
        usage.map(UsageSampler::swapAvailable).orElse(OptionalLong.empty()),
        value(usage, Usage::pids),
        OptionalLong.of(layer.bytes()),
        OptionalLong.of(layer.inodes()),
        layer.path());
  }

  List<ContainerUsage> of(List<ContainerId> ids) {
    forgetGone();
    return ids.stream()
        .map(id -> node.containers().exact(id.value()).orElse(null))
        .filter(Objects::nonNull)
        .map(this::of)
        .toList();
  }

  private void forgetGone() {
    rates.keySet().removeIf(id -> node.containers().exact(id.value()).isEmpty());
  }

  /** A container that ends while we look has no usage any more. */
  private static Optional<Usage> read(ContainerCgroup leaf) {
    try {
      return Optional.of(leaf.usage());
    } catch (LinuxException | IllegalStateException gone) {
      return Optional.empty();
    }
  }

  private static OptionalLong value(
      Optional<Usage> usage, java.util.function.Function<Usage, OptionalLong> field) {
    return usage.map(field).orElse(OptionalLong.empty());
  }

  private static OptionalLong available(Usage usage) {
    OptionalLong used = usage.workingSet();
    return used.isPresent() && usage.memoryMax().isPresent()
        ? OptionalLong.of(Math.max(0, usage.memoryMax().getAsLong() - used.getAsLong()))
        : OptionalLong.empty();
  }

  private static OptionalLong swapAvailable(Usage usage) {
    return usage.swapCurrent().isPresent() && usage.swapMax().isPresent()
        ? OptionalLong.of(
            Math.max(0, usage.swapMax().getAsLong() - usage.swapCurrent().getAsLong()))
        : OptionalLong.empty();
  }

  private OptionalLong rate(ContainerId id, long now, long cpuNanos) {
    Reading reading = new Reading(now, cpuNanos);
    Rate rate =
        rates.merge(
            id,
            new Rate(reading, reading),
            (old, fresh) ->
                now - old.latest().at() >= LEAST_INTERVAL_NANOS
                    ? new Rate(old.latest(), reading)
                    : old);
    long interval = rate.latest().at() - rate.base().at();
    if (interval <= 0) {
      return OptionalLong.empty();
    }
    long used = rate.latest().cpuNanos() - rate.base().cpuNanos();
    return OptionalLong.of(Math.max(0, (long) (used * 1e9 / interval)));
  }
}
