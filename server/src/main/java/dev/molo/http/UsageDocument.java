package dev.molo.http;

import dev.molo.pod.ContainerUsage;
import io.vertx.core.json.JsonObject;
import java.util.OptionalLong;

/** {@code /v1/containers/ID/stats}. What the kernel does not count on this host is null. */
final class UsageDocument {
  private UsageDocument() {}

  static JsonObject of(ContainerUsage usage) {
    return new JsonObject()
        .put("id", usage.container().id().value())
        .put("name", usage.container().spec().metadata().name())
        .put("podId", usage.container().sandboxId().value())
        .put("at", Times.text(usage.at()))
        .put(
            "cpu",
            new JsonObject()
                .put("usageNanoseconds", number(usage.cpuNanos()))
                .put("nanoCores", number(usage.nanoCores())))
        .put(
            "memory",
            new JsonObject()
                .put("usageBytes", number(usage.memoryUsage()))
                .put("workingSetBytes", number(usage.memoryWorkingSet()))
                .put("availableBytes", number(usage.memoryAvailable()))
                .put("rssBytes", number(usage.memoryRss()))
                .put("pageFaults", number(usage.pageFaults()))
                .put("majorPageFaults", number(usage.majorPageFaults())))
        .put(
            "swap",
            new JsonObject()
                .put("usageBytes", number(usage.swapUsage()))
                .put("availableBytes", number(usage.swapAvailable())))
        .put("processes", number(usage.pids()))
        .put(
            "writableLayer",
            new JsonObject()
                .put("usedBytes", number(usage.writableLayerBytes()))
                .put("inodes", number(usage.writableLayerInodes()))
                .put("path", usage.writableLayerPath()));
  }

  private static Long number(OptionalLong value) {
    return value.isPresent() ? value.getAsLong() : null;
  }
}
