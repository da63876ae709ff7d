package dev.molo.cri;

import dev.molo.cri.v1.ContainerAttributes;
import dev.molo.cri.v1.ContainerStats;
import dev.molo.cri.v1.CpuUsage;
import dev.molo.cri.v1.FilesystemIdentifier;
import dev.molo.cri.v1.FilesystemUsage;
import dev.molo.cri.v1.MemoryUsage;
import dev.molo.cri.v1.SwapUsage;
import dev.molo.cri.v1.UInt64Value;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.ContainerUsage;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * What containers use, from the domain to the wire. A number that the kernel does not give is
 * absent, and so is a group of which it gives nothing.
 */
final class StatsMessages {
  private StatsMessages() {}

  static ContainerStats stats(ContainerUsage usage) {
    ContainerStats.Builder stats =
        ContainerStats.newBuilder().setAttributes(attributes(usage.container()));
    if (any(usage.cpuNanos(), usage.nanoCores())) {
      stats.setCpu(cpu(usage));
    }
    if (any(usage.memoryUsage(), usage.memoryWorkingSet())) {
      stats.setMemory(memory(usage));
    }
    if (any(usage.swapUsage(), usage.swapAvailable())) {
      stats.setSwap(swap(usage));
    }
    if (any(usage.writableLayerBytes(), usage.writableLayerInodes())) {
      stats.setWritableLayer(writableLayer(usage));
    }
    return stats.build();
  }

  private static ContainerAttributes attributes(ContainerSnapshot container) {
    return ContainerAttributes.newBuilder()
        .setId(container.id().value())
        .setMetadata(ContainerMessages.metadata(container.spec().metadata()))
        .putAllLabels(container.spec().labels())
        .putAllAnnotations(container.spec().annotations())
        .build();
  }

  private static CpuUsage cpu(ContainerUsage usage) {
    CpuUsage.Builder cpu = CpuUsage.newBuilder().setTimestamp(usage.at());
    set(usage.cpuNanos(), cpu::setUsageCoreNanoSeconds);
    set(usage.nanoCores(), cpu::setUsageNanoCores);
    return cpu.build();
  }

  private static MemoryUsage memory(ContainerUsage usage) {
    MemoryUsage.Builder memory = MemoryUsage.newBuilder().setTimestamp(usage.at());
    set(usage.memoryUsage(), memory::setUsageBytes);
    set(usage.memoryWorkingSet(), memory::setWorkingSetBytes);
    set(usage.memoryAvailable(), memory::setAvailableBytes);
    set(usage.memoryRss(), memory::setRssBytes);
    set(usage.pageFaults(), memory::setPageFaults);
    set(usage.majorPageFaults(), memory::setMajorPageFaults);
    return memory.build();
  }

  private static SwapUsage swap(ContainerUsage usage) {
    SwapUsage.Builder swap = SwapUsage.newBuilder().setTimestamp(usage.at());
    set(usage.swapUsage(), swap::setSwapUsageBytes);
    set(usage.swapAvailable(), swap::setSwapAvailableBytes);
    return swap.build();
  }

  private static FilesystemUsage writableLayer(ContainerUsage usage) {
    FilesystemUsage.Builder layer =
        FilesystemUsage.newBuilder()
            .setTimestamp(usage.at())
            .setFsId(FilesystemIdentifier.newBuilder().setMountpoint(usage.writableLayerPath()));
    set(usage.writableLayerBytes(), layer::setUsedBytes);
    set(usage.writableLayerInodes(), layer::setInodesUsed);
    return layer.build();
  }

  private static boolean any(OptionalLong one, OptionalLong other) {
    return one.isPresent() || other.isPresent();
  }

  private static void set(OptionalLong number, Consumer<UInt64Value> field) {
    number.ifPresent(value -> field.accept(UInt64Value.newBuilder().setValue(value).build()));
  }
}
