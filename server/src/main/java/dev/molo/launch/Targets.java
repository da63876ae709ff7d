package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.MountSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/**
 * Where a request mounts what: cleaned, checked, and in the order of attaching, parents before
 * children, else as the request has them.
 */
final class Targets {
  /** A packet to the supervisor carries 253 descriptors; some are needed for other things. */
  static final int MOST = 240;

  private static final long PROC_MAGIC = 0x9fa0;

  /** What lxcfs and the like may put over files of procfs; anything else there is an attack. */
  private static final Set<String> ALLOWED_IN_PROC =
      Set.of(
          "/proc/cpuinfo",
          "/proc/diskstats",
          "/proc/meminfo",
          "/proc/stat",
          "/proc/swaps",
          "/proc/uptime",
          "/proc/loadavg",
          "/proc/slabinfo",
          "/proc/net/dev",
          "/proc/sys/kernel/ns_last_pid",
          "/proc/sys/crypto/fips_enabled");

  private final List<Target> sorted;

  private Targets(List<Target> sorted) {
    this.sorted = sorted;
  }

  /**
   * @param index in the request
   * @param path in the container, cleaned
   */
  record Target(int index, String path, MountSpec mount) {}

  static Targets of(ContainerSpec container) {
    if (container.mounts().size() > MOST) {
      throw FaultException.invalid(
          "mounts: %d of them, at most %d are possible", container.mounts().size(), MOST);
    }
    List<Target> targets = new ArrayList<>();
    for (int i = 0; i < container.mounts().size(); i++) {
      MountSpec mount = container.mounts().get(i);
      String field = "mounts[%d].container_path".formatted(i);
      String path = FieldText.absolutePath(field, mount.containerPath());
      if (path.equals("/")) {
        throw FaultException.invalid("%s must not be the root", field);
      }
      checkProc(field, path);
      HostMounts.checkFields(mount);
      targets.add(new Target(i, path, mount));
    }
    targets.sort(Comparator.comparingInt(target -> FieldText.depth(target.path())));
    return new Targets(List.copyOf(targets));
  }

  private static void checkProc(String field, String path) {
    if (path.startsWith("/proc/") && !ALLOWED_IN_PROC.contains(path)) {
      throw FaultException.invalid("%s: %s lies in procfs", field, path);
    }
  }

  /** Over {@code /proc} itself only a procfs may come, or nothing in it could be trusted. */
  static void requireProc(Files files, Fd mount) {
    if (files.fstatfs(mount).type() != PROC_MAGIC) {
      throw FaultException.invalid("mounts[/proc]: only a procfs can be mounted there");
    }
  }

  List<Target> sorted() {
    return sorted;
  }

  /** Whether the request itself mounts something exactly here. */
  boolean has(String path) {
    return sorted.stream().anyMatch(target -> target.path().equals(path));
  }

  /** Whether the request replaces this place: the place itself, or a /dev above it. */
  boolean replaces(String path) {
    return has(path) || (path.startsWith("/dev/") && has("/dev"));
  }

  /** Whether what lies at {@code path} comes from a mount of the request. */
  boolean covers(String path) {
    return sorted.stream().anyMatch(target -> FieldText.isWithin(path, target.path()));
  }
}
