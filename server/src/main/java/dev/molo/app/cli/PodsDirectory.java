package dev.molo.app.cli;

import dev.molo.config.Instance;
import java.nio.file.Path;

/** Where the folders of pods that were run from manifests lie. */
final class PodsDirectory {
  private PodsDirectory() {}

  /** Below the root of the daemon's instance; of another runtime, below that of molo. */
  static Path of(CriClient client) {
    return DaemonConfig.root(client).orElse(Instance.DEFAULT.root()).resolve("manifests");
  }
}
