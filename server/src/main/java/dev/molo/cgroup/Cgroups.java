package dev.molo.cgroup;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.spec.Resources;
import dev.molo.spec.SandboxId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The cgroup v2 hierarchy as this instance uses it (driver cgroupfs).
 *
 * <p>Thread-safe; holds no descriptor between calls.
 */
public final class Cgroups {
  /** What containers may be limited by; rdma and misc have no field in CRI but the unified map. */
  private static final List<String> WANTED =
      List.of("cpu", "cpuset", "io", "memory", "hugetlb", "pids");

  private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");
  private static final int MAX_SCAN_DEPTH = 8;
  private static final String DAEMON_LEAF = "daemon";

  private final Linux linux;
  private final CgroupSettings settings;
  private final CgroupMount mount;
  private final Optional<String> delegated;

  private Cgroups(
      Linux linux, CgroupSettings settings, CgroupMount mount, Optional<String> delegated) {
    this.linux = linux;
    this.settings = settings;
    this.mount = mount;
    this.delegated = delegated;
  }

  /**
   * Looks at the host.
   *
   * @throws UnsupportedOperationException when no cgroup2 file system is mounted
   */
  public static Cgroups discover(Linux linux, CgroupSettings settings) {
    CgroupMount mount = CgroupMount.at(linux, settings.mount());
    return new Cgroups(linux, settings, mount, delegated(linux, mount));
  }

  /** Where the hierarchy is and what it offers. */
  public CgroupMount mount() {
    return mount;
  }

  /** The controllers that limits need and that this host does not offer; for doctor and Status. */
  public Set<String> missingControllers() {
    Set<String> missing = new TreeSet<>(WANTED);
    missing.removeAll(mount.controllers());
    return missing;
  }

  /** The parent of pods whose request names none, below the mount. */
  public String defaultParent() {
    return settings.root();
  }

  /**
   * Refuses at CreateContainer the limits that could not be set at StartContainer. Touches nothing.
   *
   * @throws dev.molo.fault.FaultException INVALID_ARGUMENT for a value that makes no sense,
   *     FAILED_PRECONDITION for a limit whose controller this host lacks, unless that is a warning
   */
  public void check(Resources resources) {
    limitWriter().check(Limits.of(resources, settings.pidsLimit()));
  }

  /**
   * Moves this process (all its threads) into a leaf of its own, where systemd has delegated its
   * cgroup (Delegate=yes). Pods do not live in the delegated cgroup: with controllers passed on to
   * them there, systemd could not put a restarted daemon beside them (EBUSY).
   *
   * @return the leaf's path; empty when nothing is delegated, and nothing was done
   */
  public Optional<String> enterDaemonLeaf() {
    return delegated.map(own -> {
      try (CgroupDirectory unit = CgroupDirectory.open(linux.files(), mount.path() + own);
          CgroupDirectory leaf = unit.makeChild(DAEMON_LEAF)) {
        leaf.write("cgroup.procs", Integer.toString(linux.system().pid()));
        return leaf.path();
      }
    });
  }

  /**
   * Makes a pod's cgroup with its supervisor's leaf, and passes controllers on down to it. A cgroup
   * that an earlier try left is taken over.
   *
   * @param parent as CRI's cgroup_parent; empty: {@link #defaultParent}
   * @throws dev.molo.fault.FaultException INVALID_ARGUMENT for a parent that is no plain path
   */
  public PodCgroup create(SandboxId sandbox, String parent) {
    CgroupParent path = CgroupParent.of(parent.isEmpty() ? defaultParent() : parent);
    CgroupDirectory above = openParent(path);
    try {
      CgroupDirectory pod = above.makeChild(name(sandbox));
      passOn(pod);
      return pod(sandbox, above, pod);
    } catch (RuntimeException e) {
      above.close();
      throw e;
    }
  }

  /** A pod's cgroup that exists; empty when it does not. */
  public Optional<PodCgroup> open(SandboxId sandbox, String parent) {
    CgroupParent path = CgroupParent.of(parent.isEmpty() ? defaultParent() : parent);
    CgroupDirectory above;
    try {
      above = CgroupDirectory.open(linux.files(), mount.path() + path.path());
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
    Optional<CgroupDirectory> pod = above.child(name(sandbox));
    if (pod.isEmpty()) {
      above.close();
    }
    return pod.map(directory -> pod(sandbox, above, directory));
  }

  /**
   * Every pod cgroup of this instance on the host, wherever its parent is, for recovery to compare
   * with its records.
   */
  public List<Leftover> leftovers() {
    List<Leftover> found = new ArrayList<>();
    try (CgroupDirectory root = CgroupDirectory.open(linux.files(), mount.path())) {
      scan(root, "", found, 0);
    }
    return found;
  }

  /**
   * Removes the parent of pods without a parent if it is this instance's own and empty; what is not
   * empty stays.
   */
  public void removeEmptyRoot() {
    try (CgroupDirectory root = CgroupDirectory.open(linux.files(), mount.path())) {
      linux
          .files()
          .unlinkat(root.fd(), defaultParent().substring(1), dev.molo.linux.OpenFlags.AT_REMOVEDIR);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT && e.errno() != Errno.EBUSY) {
        throw e;
      }
    }
  }

  private PodCgroup pod(SandboxId sandbox, CgroupDirectory above, CgroupDirectory directory) {
    return new PodCgroup(
        sandbox,
        above,
        name(sandbox),
        directory,
        limitWriter(),
        settings.pidsLimit(),
        linux.cgroupPrograms());
  }

  private LimitWriter limitWriter() {
    return new LimitWriter(mount, settings.missingControllers());
  }

  private CgroupDirectory openParent(CgroupParent path) {
    CgroupDirectory at = CgroupDirectory.open(linux.files(), mount.path());
    for (String name : path.names()) {
      try (CgroupDirectory above = at) {
        passOn(above);
        at = above.makeChild(name);
      }
    }
    passOn(at);
    return at;
  }

  /**
   * A controller that cannot be passed on is no failure here: the limit that needs it will say so.
   */
  private static void passOn(CgroupDirectory directory) {
    Set<String> offered = new TreeSet<>(directory.controllers());
    offered.retainAll(WANTED);
    directory.passOn(offered);
  }

  private void scan(CgroupDirectory directory, String path, List<Leftover> found, int depth) {
    if (depth > MAX_SCAN_DEPTH) {
      return;
    }
    for (byte[] bytes : directory.children()) {
      String name = new String(bytes, StandardCharsets.UTF_8);
      // it may be gone by now: others make and remove cgroups all the time
      directory
          .child(bytes)
          .ifPresent(child -> {
            try (child) {
              visit(child, name, path, found, depth);
            }
          });
    }
  }

  private void visit(
      CgroupDirectory child, String name, String path, List<Leftover> found, int depth) {
    try {
      Optional<SandboxId> sandbox = sandbox(name);
      if (sandbox.isPresent()) {
        String parent = path.isEmpty() ? "/" : path;
        found.add(new Leftover(sandbox.get(), parent, child.populated()));
        return;
      }
      scan(child, path + "/" + name, found, depth + 1);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENODEV && e.errno() != Errno.ENOENT) {
        throw e;
      }
    }
  }

  private String name(SandboxId sandbox) {
    return settings.prefix() + "-" + sandbox.value();
  }

  private Optional<SandboxId> sandbox(String name) {
    String prefix = settings.prefix() + "-";
    if (!name.startsWith(prefix) || !HEX.matcher(name.substring(prefix.length())).matches()) {
      return Optional.empty();
    }
    return Optional.of(new SandboxId(name.substring(prefix.length())));
  }

  /** systemd marks what it delegates (systemd.resource-control(5), Delegate=). */
  private static Optional<String> delegated(Linux linux, CgroupMount mount) {
    String own = own(linux.files().readText(Fd.AT_FDCWD, "/proc/self/cgroup"));
    if (own.endsWith("/" + DAEMON_LEAF)) {
      own = own.substring(0, own.length() - DAEMON_LEAF.length() - 1);
    }
    if (own.isEmpty() || own.contains("/..")) {
      return Optional.empty();
    }
    try (CgroupDirectory directory = CgroupDirectory.open(linux.files(), mount.path() + own)) {
      boolean marked =
          directory
              .attribute("trusted.delegate")
              .or(() -> directory.attribute("user.delegate"))
              .map(value -> new String(value, StandardCharsets.UTF_8).equals("1"))
              .orElse(false);
      return marked ? Optional.of(own) : Optional.empty();
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static String own(String file) {
    return file.lines()
        .filter(line -> line.startsWith("0::/"))
        .map(line -> line.substring(3))
        .filter(path -> path.length() > 1)
        .findFirst()
        .orElse("");
  }
}
