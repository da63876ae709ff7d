package dev.molo.app;

import dev.molo.config.Instance;
import dev.molo.config.MoloConfig;
import dev.molo.linux.RealKernel;
import dev.molo.network.BridgeNetworks;
import dev.molo.network.NetworkSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Takes away what an instance keeps between its daemons: bridge, packet filter table, cgroup. */
final class InstanceCleanup {
  private final Instance instance;

  InstanceCleanup(String instance) {
    this.instance = new Instance(instance);
  }

  void run() {
    Path scratch;
    try {
      scratch = Files.createTempDirectory("molo-cleanup");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    MoloConfig config = MoloConfig.defaults(instance, scratch, scratch, scratch);
    try (BridgeNetworks networks =
        new BridgeNetworks(
            RealKernel.linux(), NetworkSettings.of(instance, config.network(), scratch))) {
      networks.recover(List.of());
      networks.removeAll();
    }
    try {
      Files.deleteIfExists(RealKernel.cgroup2().resolve(instance.cgroupRoot().substring(1)));
      try (var left = Files.walk(scratch)) {
        for (Path path : left.sorted(java.util.Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(path);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
