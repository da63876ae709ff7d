package dev.molo.app;

import dev.molo.cgroup.Cgroups;
import dev.molo.config.ConfigTree;
import dev.molo.config.MoloConfig;
import dev.molo.linux.KernelFeatures;
import dev.molo.linux.Linux;
import dev.molo.network.NetworkStatus;
import dev.molo.network.PodNetworks;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What a verbose Status tells beside the conditions, each part a JSON document: the configuration
 * in force, what this kernel can do, the cgroups and the network.
 *
 * <p>The kernel's features are tried when somebody first asks, which takes some hundred
 * milliseconds, and remembered. Thread-safe.
 */
record DaemonFacts(
    MoloConfig config, Linux linux, Cgroups cgroups, PodNetworks networks, KernelFeatures features)
    implements Supplier<Map<String, String>> {

  @Override
  public Map<String, String> get() {
    return Map.of(
        "config", new JsonObject(ConfigTree.of(config)).encode(),
        "kernel", kernel().encode(),
        "cgroup", cgroup().encode(),
        "network", network().encode());
  }

  private JsonObject kernel() {
    JsonArray tried = new JsonArray();
    linux
        .blocking()
        .run("try the kernel's features", features::all)
        .forEach(feature ->
            tried.add(
                new JsonObject()
                    .put("name", feature.name())
                    .put("available", feature.available())
                    .put("detail", feature.detail())
                    .put("remedy", feature.remedy())));
    return new JsonObject().put("release", linux.system().kernelRelease()).put("features", tried);
  }

  private JsonObject cgroup() {
    return new JsonObject()
        .put("driver", config.cgroup().driver().name().toLowerCase(java.util.Locale.ROOT))
        .put("mount", cgroups.mount().path())
        .put("root", cgroups.defaultParent())
        .put("controllers", texts(cgroups.mount().controllers()))
        .put("missingControllers", texts(cgroups.missingControllers()));
  }

  private JsonObject network() {
    NetworkStatus status = networks.status();
    return new JsonObject()
        .put("bridge", status.bridge())
        .put("subnets", texts(status.subnets()))
        .put("masquerade", status.masquerade())
        .put("attached", status.attached())
        .put("resting", status.quarantined())
        .put("capacity", status.capacity())
        .put("warnings", texts(status.warnings()))
        .put("changedSysctls", texts(status.changedSysctls()));
  }

  private static JsonArray texts(Iterable<?> values) {
    JsonArray array = new JsonArray();
    values.forEach(value -> array.add(value.toString()));
    return array;
  }
}
