package dev.molo.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What this kernel can do for molo, found by trying: each feature is used once for real, nothing
 * stays behind, and the answer is kept for this object's life.
 *
 * <p>{@link #quick} is for the daemon's start and costs a few milliseconds; {@link #all} also
 * starts programs in user namespaces and loads libnftables and libseccomp, for doctor or a
 * background thread. Thread-safe: tries run one at a time. May block: call it from a platform
 * thread, or through {@link Linux#blocking()}.
 */
public final class KernelFeatures {

  /** The features, by their kernel names. */
  public enum Feature {
    KERNEL("Linux 6.1", "run a kernel of 6.1 or newer"),
    OPENAT2("openat2", "run a kernel of 5.6 or newer"),
    OPEN_TREE("open_tree", "run the daemon with CAP_SYS_ADMIN, outside of another container"),
    MOVE_MOUNT("move_mount", "run the daemon with CAP_SYS_ADMIN, outside of another container"),
    MOUNT_SETATTR("mount_setattr", "run a kernel of 5.12 or newer, with CAP_SYS_ADMIN"),
    FSOPEN_TMPFS("fsopen tmpfs", "build the kernel with CONFIG_TMPFS; run with CAP_SYS_ADMIN"),
    FSOPEN_PROC("fsopen proc", "run the daemon where /proc is not masked"),
    OVERLAY_VOLATILE(
        "overlay volatile",
        "load the module overlay (modprobe overlay); put the root directory on ext4, xfs or btrfs"),
    CLONE3("clone3", "check that molo's native parts are installed and that seccomp allows clone3"),
    PIDFD("pidfd", "run a kernel of 5.4 or newer"),
    CLOSE_RANGE("close_range", "run a kernel of 5.11 or newer"),
    CLONE_INTO_CGROUP(
        "clone3 CLONE_INTO_CGROUP",
        "mount cgroup v2 and let the daemon write there (Delegate=yes in its unit)"),
    CGROUP_KILL("cgroup.kill", "run a kernel of 5.14 or newer with cgroup v2 mounted"),
    MEMFD_SEALS("memfd seals", "allow executable memfds (sysctl vm.memfd_noexec below 2)"),
    NFTABLES_NAT(
        "nftables nat",
        "load the modules nf_tables, nft_chain_nat and nft_masq; install Debian's libnftables1"),
    SECCOMP("seccomp", "build the kernel with CONFIG_SECCOMP_FILTER; install Debian's libseccomp2"),
    USER_NAMESPACES("user namespaces", "set sysctl user.max_user_namespaces above 0"),
    IDMAPPED_MOUNTS(
        "idmapped mounts",
        "put the root directory on a file system that can be idmapped, such as ext4"),
    OVERLAY_IN_USER_NAMESPACE(
        "overlay in a user namespace",
        "run a kernel of 5.11 or newer; allow user namespaces in AppArmor or SELinux");

    private final String kernelName;
    private final String remedy;

    Feature(String kernelName, String remedy) {
      this.kernelName = kernelName;
      this.remedy = remedy;
    }

    /** The name that people see. */
    public String kernelName() {
      return kernelName;
    }
  }

  /**
   * What Status reports at once: system calls that wait for nothing; no library, no program, no
   * superblock.
   */
  private static final Set<Feature> QUICK =
      EnumSet.of(
          Feature.KERNEL,
          Feature.OPENAT2,
          Feature.OPEN_TREE,
          Feature.MOUNT_SETATTR,
          Feature.FSOPEN_PROC,
          Feature.PIDFD);

  private final Linux linux;
  private final Path folder;
  private final Path cgroup;
  private final Map<Feature, KernelFeature> known = new EnumMap<>(Feature.class);

  /**
   * Features of this kernel.
   *
   * @param linux the kernel
   * @param folder an existing directory on the file system of molo's root, where tries make and
   *     remove a folder
   * @param cgroup a cgroup v2 directory below which a leaf may be made
   */
  public KernelFeatures(Linux linux, Path folder, Path cgroup) {
    this.linux = linux;
    this.folder = folder;
    this.cgroup = cgroup;
  }

  /** The features that cost next to nothing to try. */
  public List<KernelFeature> quick() {
    return QUICK.stream().map(this::of).toList();
  }

  /** All features; up to some hundred milliseconds the first time. */
  public List<KernelFeature> all() {
    return EnumSet.allOf(Feature.class).stream().map(this::of).toList();
  }

  /** One feature. */
  public synchronized KernelFeature of(Feature feature) {
    KernelFeature found = known.get(feature);
    if (found == null) {
      found = attempt(feature);
      known.put(feature, found);
    }
    return found;
  }

  private KernelFeature attempt(Feature feature) {
    try {
      return new KernelFeature(feature.kernelName, true, tryOut(feature), "");
    } catch (LinuxException | IllegalStateException | UncheckedIOException e) {
      return new KernelFeature(feature.kernelName, false, e.getMessage(), feature.remedy);
    }
  }

  private String tryOut(Feature feature) {
    return switch (feature) {
      case KERNEL -> kernel();
      case OPENAT2 -> openat2();
      case OPEN_TREE -> openTree();
      case MOVE_MOUNT -> moveMount();
      case MOUNT_SETATTR -> mountSetattr();
      case FSOPEN_TMPFS -> fsopen("tmpfs");
      case FSOPEN_PROC -> fsopen("proc");
      case OVERLAY_VOLATILE -> overlayVolatile();
      case CLONE3, CLOSE_RANGE -> spawn();
      case PIDFD -> pidfd();
      case CLONE_INTO_CGROUP -> cloneIntoCgroup();
      case CGROUP_KILL -> cgroupKill();
      case MEMFD_SEALS -> memfdSeals();
      case NFTABLES_NAT -> nftablesNat();
      case SECCOMP -> seccomp();
      case USER_NAMESPACES -> userNamespaces();
      case IDMAPPED_MOUNTS -> idmappedMounts();
      case OVERLAY_IN_USER_NAMESPACE -> overlayInUserNamespace();
    };
  }

  private String kernel() {
    String release = linux.system().kernelRelease();
    if (!linux.system().kernelAtLeast(6, 1)) {
      throw new IllegalStateException("this is " + release);
    }
    return release;
  }

  private String openat2() {
    try (Fd root = linux.files().open(folder.toString(), OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        Fd inside =
            linux.files().openat2(root, "../..", OpenFlags.O_PATH, 0, OpenFlags.RESOLVE_IN_ROOT)) {
      if (linux.files().fstat(root).inode() != linux.files().fstat(inside).inode()) {
        throw new IllegalStateException("RESOLVE_IN_ROOT left " + folder);
      }
      return "RESOLVE_IN_ROOT stays inside";
    }
  }

  private Fd cloneOfFolder() {
    return linux.mounts().openTree(Fd.AT_FDCWD, folder.toString(), MountFlags.OPEN_TREE_CLONE);
  }

  private String openTree() {
    try (Fd tree = cloneOfFolder()) {
      return "a detached copy of " + folder + (tree.isOpen() ? "" : " (closed)");
    }
  }

  private String mountSetattr() {
    try (Fd tree = cloneOfFolder()) {
      linux
          .mounts()
          .mountSetattr(tree, true, MountAttributes.setting(MountFlags.MOUNT_ATTR_RDONLY));
      try (Fd file =
          linux
              .files()
              .openat2(tree, "molo-probe", OpenFlags.O_CREAT | OpenFlags.O_WRONLY, 0600, 0)) {
        throw new IllegalStateException("a read-only mount let " + file + " be created");
      } catch (LinuxException refused) {
        if (refused.errno() != Errno.EROFS) {
          throw refused;
        }
        return "recursive read-only holds";
      }
    }
  }

  private Fd detached(String type, String... flags) {
    try (Fd context = linux.mounts().fsopen(type)) {
      for (String flag : flags) {
        linux.mounts().fsconfigFlag(context, flag);
      }
      linux.mounts().fsconfigCreate(context);
      return linux.mounts().fsmount(context, 0);
    }
  }

  private String fsopen(String type) {
    try (Fd mount = detached(type)) {
      return "a detached " + type + ", mount " + linux.files().fstat(mount).mountId();
    }
  }

  /**
   * Attaching would show in the host's table, so the try is one that the kernel must refuse, and
   * refuses late.
   */
  private String moveMount() {
    try (Fd mount = detached("tmpfs");
        Fd file = linux.files().open("/proc/self/status", OpenFlags.O_PATH)) {
      linux.mounts().attach(mount, file);
      throw new IllegalStateException("a directory was mounted over a file");
    } catch (LinuxException refused) {
      boolean asItMust = refused.errno() == Errno.EINVAL || refused.errno() == Errno.ENOTDIR;
      if (!refused.call().equals("move_mount") || !asItMust) {
        throw refused;
      }
      return "refuses a directory over a file, as it must";
    }
  }

  private String overlayVolatile() {
    try (ProbeFolder probe = new ProbeFolder(linux, folder)) {
      probe.mkdir("lower").mkdir("upper").mkdir("work");
      try (Fd context = linux.mounts().fsopen("overlay")) {
        linux.mounts().fsconfigString(context, "lowerdir", probe.path("lower"));
        linux.mounts().fsconfigString(context, "upperdir", probe.path("upper"));
        linux.mounts().fsconfigString(context, "workdir", probe.path("work"));
        linux.mounts().fsconfigFlag(context, "volatile");
        linux.mounts().fsconfigCreate(context);
        try (Fd mount = linux.mounts().fsmount(context, 0)) {
          linux.files().mkdirat(mount, "written", 0700);
        }
      }
      return "written through a volatile overlay on " + folder;
    }
  }

  private String spawn() {
    try (Fd program = linux.files().open("/bin/true", OpenFlags.O_PATH);
        Spawned child = linux.processes().spawn(SpawnRequest.of(program, List.of("true")))) {
      ExitStatus status = linux.processes().waitidBlocking(child.pidfd());
      if (status.shellCode() != 0) {
        throw new IllegalStateException("/bin/true ended with " + status);
      }
      return "started and reaped pid " + child.pid();
    }
  }

  private String pidfd() {
    try (Fd self = linux.processes().pidfdOpen(linux.system().pid())) {
      linux.processes().pidfdSendSignal(self, 0);
      if (linux.processes().exited(self)) {
        throw new IllegalStateException("the daemon's own pidfd says that it has ended");
      }
      return "pidfd_open, pidfd_send_signal and poll";
    }
  }

  private String cloneIntoCgroup() {
    try (Fd program = linux.files().open("/bin/true", OpenFlags.O_PATH);
        ProbeFolder leaf = ProbeFolder.cgroup(linux, cgroup);
        Spawned child =
            linux
                .processes()
                .spawn(SpawnRequest.of(program, List.of("true")).withCgroup(leaf.fd()))) {
      linux.processes().waitidBlocking(child.pidfd());
      return "born into a leaf of " + cgroup;
    }
  }

  private String cgroupKill() {
    try (Fd program = linux.files().open("/bin/sleep", OpenFlags.O_PATH);
        ProbeFolder leaf = ProbeFolder.cgroup(linux, cgroup);
        Spawned child =
            linux
                .processes()
                .spawn(SpawnRequest.of(program, List.of("sleep", "30")).withCgroup(leaf.fd()))) {
      try {
        linux.files().writeControl(leaf.fd(), "cgroup.kill", "1");
      } catch (LinuxException e) {
        linux.processes().pidfdSendSignal(child.pidfd(), Signals.SIGKILL);
        linux.processes().waitidBlocking(child.pidfd());
        throw e;
      }
      return "ended a leaf: " + linux.processes().waitidBlocking(child.pidfd());
    }
  }

  private String memfdSeals() {
    try (Fd program = linux.files().open("/bin/true", OpenFlags.O_RDONLY);
        Fd copy = linux.memfds().sealedExecutable("molo-probe", program)) {
      try {
        linux.files().ftruncate(copy, 0);
        throw new IllegalStateException("a sealed memfd let itself be cut");
      } catch (LinuxException refused) {
        if (refused.errno() != Errno.EPERM) {
          throw refused;
        }
      }
      try (Spawned child = linux.processes().spawn(SpawnRequest.of(copy, List.of("true")))) {
        return "run from a sealed memfd: " + linux.processes().waitidBlocking(child.pidfd());
      }
    }
  }

  /**
   * Made and deleted in one transaction, so that nobody ever sees it; the kernel checks every step
   * all the same.
   */
  private String nftablesNat() {
    String table = "molo-probe-" + linux.system().pid();
    linux
        .nftables()
        .run(
            """
            add table inet %1$s
            add chain inet %1$s post { type nat hook postrouting priority 100; policy accept; }
            add rule inet %1$s post ip saddr 192.0.2.1 masquerade
            delete table inet %1$s
            """
                .formatted(table));
    return "masquerade in a postrouting chain";
  }

  private String seccomp() {
    String actions =
        linux.files().readText(Fd.AT_FDCWD, "/proc/sys/kernel/seccomp/actions_avail").strip();
    if (!actions.contains("errno")) {
      throw new IllegalStateException("the kernel offers only: " + actions);
    }
    SeccompProfile.Rule rule =
        new SeccompProfile.Rule(
            List.of("personality"), SeccompProfile.Action.ERRNO, OptionalInt.empty(), List.of());
    SeccompProfile profile =
        new SeccompProfile(
            SeccompProfile.Action.ALLOW, OptionalInt.empty(), List.of(), List.of(rule));
    int length = linux.seccomp().compile(profile).bpf().length / 8;
    return "libseccomp " + linux.seccomp().version() + ", a filter of " + length + " instructions";
  }

  // User namespaces. A process of ours must be in one; unshare(1) makes it, and a shell stays in it
  // until told.

  private String userNamespaces() {
    try (Shell shell = Shell.inNewNamespaces(linux, List.of("-U"))) {
      shell.mapTo(100_000, 65_536);
      return "a child mapped to ids from 100000";
    }
  }

  private String idmappedMounts() {
    try (Shell shell = Shell.inNewNamespaces(linux, List.of("-U"))) {
      shell.mapTo(100_000, 65_536);
      try (ProbeFolder probe = new ProbeFolder(linux, folder);
          Fd userns = linux.files().open("/proc/" + shell.pid() + "/ns/user", OpenFlags.O_RDONLY);
          Fd tree =
              linux.mounts().openTree(Fd.AT_FDCWD, probe.path(""), MountFlags.OPEN_TREE_CLONE)) {
        linux.mounts().mountSetattr(tree, false, MountAttributes.idmapped(userns));
        long uid = linux.files().fstat(tree).uid();
        if (uid != 100_000) {
          throw new IllegalStateException("root's file shows uid " + uid + " and not 100000");
        }
        return "root's files below " + folder + " show as uid 100000";
      }
    }
  }

  private String overlayInUserNamespace() {
    try (ProbeFolder probe = new ProbeFolder(linux, folder);
        Shell shell = Shell.inNewNamespaces(linux, List.of("-U", "-r", "-m"))) {
      probe.mkdir("lower").mkdir("upper").mkdir("work").mkdir("merged");
      String command =
          "cd '%s' && mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr x merged"
              .formatted(probe.path(""));
      String said = shell.run(command);
      if (!said.equals("0")) {
        throw new IllegalStateException("mount in a user namespace: " + said);
      }
      return "mounted with userxattr on " + folder;
    }
  }

  /** A folder that a try makes, and removes with all that is in it. */
  private static final class ProbeFolder implements AutoCloseable {
    private final Linux linux;
    private final Path path;
    private final boolean cgroup;
    private final Fd fd;

    ProbeFolder(Linux linux, Path parent) {
      this(linux, parent, false);
    }

    private ProbeFolder(Linux linux, Path parent, boolean cgroup) {
      this.linux = linux;
      this.cgroup = cgroup;
      this.path = parent.resolve("molo-probe-" + linux.system().pid()).toAbsolutePath();
      remove();
      linux.files().mkdirat(Fd.AT_FDCWD, path.toString(), 0755);
      this.fd = linux.files().open(path.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
    }

    static ProbeFolder cgroup(Linux linux, Path parent) {
      return new ProbeFolder(linux, parent, true);
    }

    Fd fd() {
      return fd;
    }

    ProbeFolder mkdir(String name) {
      linux.files().mkdirat(fd, name, 0755);
      return this;
    }

    String path(String name) {
      return path.resolve(name).toString();
    }

    /** A cgroup goes with its folder; its files are the kernel's. */
    private void remove() {
      if (cgroup) {
        if (java.nio.file.Files.isDirectory(path)) {
          linux.files().unlinkat(Fd.AT_FDCWD, path.toString(), OpenFlags.AT_REMOVEDIR);
        }
        return;
      }
      if (!java.nio.file.Files.isDirectory(path)) {
        return;
      }
      try (var below = java.nio.file.Files.walk(path)) {
        for (Path entry : below.sorted(Comparator.reverseOrder()).toList()) {
          java.nio.file.Files.delete(entry);
        }
      } catch (IOException e) {
        throw new UncheckedIOException("remove " + path, e);
      }
    }

    @Override
    public void close() {
      fd.close();
      remove();
    }
  }

  /** A shell in namespaces of its own that runs commands given on its standard input. */
  private static final class Shell implements AutoCloseable {
    private final Linux linux;
    private final Spawned child;
    private final Fd input;
    private final Fd output;

    private Shell(Linux linux, Spawned child, Fd input, Fd output) {
      this.linux = linux;
      this.child = child;
      this.input = input;
      this.output = output;
    }

    static Shell inNewNamespaces(Linux linux, List<String> options) {
      Pipes.Pipe in = linux.pipes().pipe2(0);
      Pipes.Pipe out = linux.pipes().pipe2(0);
      List<String> argv = new ArrayList<>(List.of("unshare"));
      argv.addAll(options);
      argv.add("/bin/sh");
      try (Fd program = linux.files().open("/usr/bin/unshare", OpenFlags.O_PATH)) {
        SpawnRequest request =
            SpawnRequest.of(program, argv)
                .withEnvironment(List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"))
                .withFd(in.readEnd(), 0)
                .withFd(out.writeEnd(), 1)
                .withFd(out.writeEnd(), 2);
        Shell shell =
            new Shell(linux, linux.processes().spawn(request), in.writeEnd(), out.readEnd());
        in.readEnd().close();
        out.writeEnd().close();
        shell.waitUntilUp();
        return shell;
      } catch (RuntimeException e) {
        in.close();
        out.close();
        throw e;
      }
    }

    private void waitUntilUp() {
      try {
        String said = run("true");
        if (!said.equals("0")) {
          throw new IllegalStateException(said.isEmpty() ? "unshare ended without a word" : said);
        }
      } catch (RuntimeException e) {
        close();
        throw e;
      }
    }

    int pid() {
      return child.pid();
    }

    void mapTo(long first, long count) {
      String map = "0 " + first + " " + count;
      linux.files().writeControl(Fd.AT_FDCWD, "/proc/" + pid() + "/uid_map", map);
      linux.files().writeControl(Fd.AT_FDCWD, "/proc/" + pid() + "/gid_map", map);
    }

    /** What the command printed and then its exit code: "0" when it went well and said nothing. */
    String run(String command) {
      byte[] line = (command + "; echo $?\n").getBytes(StandardCharsets.UTF_8);
      try {
        linux.files().writeFully(input, ByteBuffer.wrap(line));
      } catch (LinuxException e) {
        if (e.errno() != Errno.EPIPE) {
          throw e;
        }
        // It ended already; what it said tells more than the broken pipe.
      }
      ByteBuffer answer = ByteBuffer.allocate(4096);
      while (answer.hasRemaining() && !text(answer).matches("(?s)(.*\n)?[0-9]+\n")) {
        if (linux.epoll().poll(output, Epoll.EPOLLIN, 30_000) == 0) {
          throw new LinuxException("poll", Errno.ETIMEDOUT, "a shell in a user namespace");
        }
        if (linux.files().read(output, answer) == 0) {
          break;
        }
      }
      return text(answer).strip();
    }

    private static String text(ByteBuffer answer) {
      return StandardCharsets.UTF_8.decode(answer.duplicate().flip()).toString();
    }

    @Override
    public void close() {
      linux.processes().pidfdSendSignal(child.pidfd(), Signals.SIGKILL);
      linux.processes().waitidBlocking(child.pidfd());
      child.close();
      input.close();
      output.close();
    }
  }
}
