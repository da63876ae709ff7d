package dev.molo.pod;

import dev.molo.launch.SetupPlan;
import dev.molo.spec.SandboxSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a pod is called inside. */
final class Hostnames {
  private static final Path HOST = Path.of("/proc/sys/kernel/hostname");

  private Hostnames() {}

  /** The pod's own name, or the host's with the host's uts namespace. */
  static String of(SandboxSpec spec, SetupPlan setup) {
    if (setup.ownUts()) {
      return setup.hostname();
    }
    try {
      return Files.readString(HOST).strip();
    } catch (IOException e) {
      throw new UncheckedIOException("read the host name for pod " + spec.metadata(), e);
    }
  }
}
