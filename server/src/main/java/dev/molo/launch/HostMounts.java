package dev.molo.launch;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.MountAttributes;
import dev.molo.linux.MountFlags;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Stat;
import dev.molo.spec.MountSpec;
import dev.molo.spec.MountSpec.Propagation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Host paths as detached mounts, ready to be attached in a container. Nothing is ever mounted in
 * the host's own table. Touching a path of a request may block in a dead file system, so that runs
 * on {@link Linux#blocking()} with a time limit.
 */
final class HostMounts {
  /** A healthy file system answers in microseconds; a kubelet's own deadline is two minutes. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Options of CRI's mount_options that a bind can have. */
  private static final Map<String, Long> OPTIONS =
      Map.of(
          "nosuid", MountFlags.MOUNT_ATTR_NOSUID,
          "nodev", MountFlags.MOUNT_ATTR_NODEV,
          "noexec", MountFlags.MOUNT_ATTR_NOEXEC);

  private final Linux linux;
  private final boolean createMissing;

  HostMounts(Linux linux, boolean createMissing) {
    this.linux = linux;
    this.createMissing = createMissing;
  }

  /** Refuses what no host could give. Touches nothing. */
  static void checkFields(MountSpec mount) {
    if (mount.recursiveReadonly() && !mount.readonly()) {
      throw FaultException.invalid(
          "mounts[%s]: recursive_read_only needs readonly", mount.containerPath());
    }
    if (mount.recursiveReadonly() && mount.propagation() != Propagation.PRIVATE) {
      throw FaultException.invalid(
          "mounts[%s]: recursive_read_only needs private propagation", mount.containerPath());
    }
    if (!mount.uidMappings().isEmpty() || !mount.gidMappings().isEmpty()) {
      throw FaultException.unimplemented(
          "mounts[%s]: id mappings of mounts are not built yet", mount.containerPath());
    }
    options(mount);
  }

  /** Makes a missing host path, or says that it is missing; for CreateContainer. */
  void prepare(MountSpec mount) {
    String host = hostPath(mount);
    within(
            "look at the host path " + host,
            () -> {
              try (Fd found = source(mount, host)) {
                checkPropagation(mount, host, found);
                return Fd.AT_FDCWD;
              }
            })
        .close();
  }

  /** Opens a bind of the request as a detached mount; the caller owns it. */
  Fd open(MountSpec mount) {
    String host = hostPath(mount);
    return within(
        "bind the host path " + host,
        () -> {
          try (Fd found = source(mount, host)) {
            checkPropagation(mount, host, found);
            return configured(mount, host, clone(host, found));
          }
        });
  }

  /**
   * A plain private bind of a path that is the kernel's or molo's own, which must exist. At once:
   * it lies in no file system that the daemon could outlive.
   */
  Fd bind(String host, boolean readonly) {
    try (Fd found = linux.files().open(host, OpenFlags.O_PATH)) {
      Fd mount = clone(host, found);
      try {
        long flags = readonly ? MountFlags.MOUNT_ATTR_RDONLY : 0;
        MountAttributes attributes =
            new MountAttributes(flags, 0, MountFlags.MS_PRIVATE, java.util.Optional.empty());
        linux.mounts().mountSetattr(mount, true, attributes);
        return mount;
      } catch (RuntimeException e) {
        mount.close();
        throw e;
      }
    }
  }

  private Fd source(MountSpec mount, String host) {
    Files files = linux.files();
    try {
      return files.open(host, OpenFlags.O_PATH);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT) {
        throw failed(mount, host, e);
      }
      if (!createMissing) {
        throw new FaultException(
            Fault.FAILED_PRECONDITION,
            "mounts[%s]: host path %s does not exist (mounts.createMissing is false)"
                .formatted(mount.containerPath(), host),
            e);
      }
    }
    try {
      makeDirectories(host);
      return files.open(host, OpenFlags.O_PATH);
    } catch (LinuxException e) {
      throw failed(mount, host, e);
    }
  }

  private void makeDirectories(String path) {
    for (int end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
      String part = end < 0 ? path : path.substring(0, end);
      try {
        linux.files().mkdirat(Fd.AT_FDCWD, part, 0755);
      } catch (LinuxException e) {
        if (e.errno() != Errno.EEXIST) {
          throw e;
        }
      }
      if (end < 0) {
        return;
      }
    }
  }

  private Fd clone(String host, Fd found) {
    int flags = MountFlags.OPEN_TREE_CLONE | OpenFlags.AT_EMPTY_PATH | OpenFlags.AT_RECURSIVE;
    try {
      return linux.mounts().openTree(found, new byte[0], flags);
    } catch (LinuxException e) {
      throw new LinuxException(e.call(), e.number(), "host path " + host);
    }
  }

  private Fd configured(MountSpec mount, String host, Fd tree) {
    try {
      if (mount.propagation() != Propagation.BIDIRECTIONAL) {
        long propagation =
            mount.propagation() == Propagation.PRIVATE
                ? MountFlags.MS_PRIVATE
                : MountFlags.MS_SLAVE;
        linux.mounts().mountSetattr(tree, true, MountAttributes.propagating(propagation));
      }
      readonly(mount, tree);
      long options = options(mount);
      if (options != 0) {
        linux.mounts().mountSetattr(tree, true, MountAttributes.setting(options));
      }
      return tree;
    } catch (LinuxException e) {
      tree.close();
      throw failed(mount, host, e);
    } catch (RuntimeException e) {
      tree.close();
      throw e;
    }
  }

  private void readonly(MountSpec mount, Fd tree) {
    if (!mount.readonly()) {
      return;
    }
    MountAttributes attributes = MountAttributes.setting(MountFlags.MOUNT_ATTR_RDONLY);
    try {
      linux.mounts().mountSetattr(tree, mount.recursiveReadonly(), attributes);
    } catch (LinuxException e) {
      if (!mount.recursiveReadonly()) {
        throw e;
      }
      throw new FaultException(
          Fault.FAILED_PRECONDITION,
          ReasonWord.RROUnsupported,
          "mounts[%s]: %s cannot be made read-only with all below: %s"
              .formatted(mount.containerPath(), mount.hostPath(), e.getMessage()),
          e);
    }
  }

  private static long options(MountSpec mount) {
    long flags = 0;
    for (String option : mount.mountOptions()) {
      Long flag = OPTIONS.get(option);
      if (flag == null) {
        throw FaultException.invalid(
            "mounts[%s]: a mount option is none of nosuid, nodev, noexec", mount.containerPath());
      }
      flags |= flag;
    }
    return flags;
  }

  /** mount_namespaces(7): events can only travel where the host's mount is shared to begin with. */
  private void checkPropagation(MountSpec mount, String host, Fd found) {
    if (mount.propagation() == Propagation.PRIVATE) {
      return;
    }
    Stat stat = linux.files().fstat(found);
    List<String> tags = propagationTags(stat.mountId());
    boolean shared = tags.stream().anyMatch(tag -> tag.startsWith("shared:"));
    boolean follows = shared || tags.stream().anyMatch(tag -> tag.startsWith("master:"));
    if (mount.propagation() == Propagation.BIDIRECTIONAL && !shared) {
      throw FaultException.precondition(
          "mounts[%s]: bidirectional propagation needs a shared mount, but %s lies on one that is"
              + " not: mount --make-rshared there",
          mount.containerPath(), host);
    }
    if (!follows) {
      throw FaultException.precondition(
          "mounts[%s]: host-to-container propagation needs a shared or slave mount, but %s lies on"
              + " a private one: mount --make-rshared there",
          mount.containerPath(), host);
    }
  }

  private List<String> propagationTags(long mountId) {
    String prefix = mountId + " ";
    String table =
        new String(
            linux
                .files()
                .readFile(
                    Fd.AT_FDCWD,
                    "/proc/self/mountinfo".getBytes(java.nio.charset.StandardCharsets.UTF_8),
                    64 << 20),
            java.nio.charset.StandardCharsets.UTF_8);
    return table
        .lines()
        .filter(line -> line.startsWith(prefix))
        .findFirst()
        .map(line -> optionalFields(line.split(" ")))
        .orElse(List.of());
  }

  private static List<String> optionalFields(String[] fields) {
    List<String> tags = new ArrayList<>();
    for (int i = 6; i < fields.length && !fields[i].equals("-"); i++) {
      tags.add(fields[i]);
    }
    return tags;
  }

  private static String hostPath(MountSpec mount) {
    String field = "mounts[%s].host_path".formatted(mount.containerPath());
    return FieldText.absolutePath(field, mount.hostPath());
  }

  private static RuntimeException failed(MountSpec mount, String host, LinuxException e) {
    return new LinuxException(
        e.call(),
        e.number(),
        "mounts[%s], host path %s: %s".formatted(mount.containerPath(), host, e.detail()));
  }

  private Fd within(String what, java.util.function.Supplier<Fd> work) {
    return linux.blocking().runWithin(PATIENCE, what, work, Fd::close);
  }
}
