package dev.molo.app;

import dev.molo.config.Instance;
import dev.molo.config.MoloConfig;
import dev.molo.linux.RealKernel;
import dev.molo.network.BridgeNetworks;
import dev.molo.network.NetworkSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Takes away what an instance keeps between its daemons: bridge, packet filter table, cgroup; and
 * what a failed test has left running.
 */
final class InstanceCleanup {
  private final Instance instance;

  InstanceCleanup(String instance) {
    this.instance = new Instance(instance);
  }

  void run() {
    killLeftPods();
    try {
      Path scratch = Files.createTempDirectory("molo-cleanup");
      try {
        removeNetwork(scratch);
        Files.deleteIfExists(RealKernel.cgroup2().resolve(instance.cgroupRoot().substring(1)));
      } finally {
        delete(scratch);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void removeNetwork(Path scratch) {
    MoloConfig config = MoloConfig.defaults(instance, scratch, scratch, scratch);
    try (BridgeNetworks networks =
        new BridgeNetworks(
            RealKernel.linux(), NetworkSettings.of(instance, config.network(), scratch))) {
      networks.recover(List.of());
      networks.removeAll();
    }
  }

  private static void delete(Path scratch) throws IOException {
    try (var left = Files.walk(scratch)) {
      for (Path path : left.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }

  private void killLeftPods() {
    Path root = RealKernel.cgroup2().resolve(instance.cgroupRoot().substring(1));
    if (!Files.isDirectory(root)) {
      return;
    }
    try (Stream<Path> below = Files.walk(root)) {
      for (Path left :
          below.filter(Files::isDirectory).sorted(Comparator.reverseOrder()).toList()) {
        if (!left.equals(root)) {
          Files.writeString(left.resolve("cgroup.kill"), "1");
          remove(left);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What was killed leaves its cgroup a moment later. */
  private static void remove(Path cgroup) throws IOException {
    for (int tries = 0; ; tries++) {
      try {
        Files.delete(cgroup);
        return;
      } catch (FileSystemException busy) {
        if (tries > 2000) {
          throw busy;
        }
        LockSupport.parkNanos(5_000_000);
      }
    }
  }
}
