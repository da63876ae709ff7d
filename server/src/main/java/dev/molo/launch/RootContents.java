package dev.molo.launch;

import dev.molo.launch.LaunchPlan.Create;
import dev.molo.launch.LaunchPlan.FdRef;
import dev.molo.linux.CloneFlags;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.MountFlags;
import dev.molo.spec.ContainerSecurity;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a container finds in its root: the kernel's file systems, devices, the pod's files, the
 * volumes of the request and of the image, and what is hidden from it.
 *
 * <p>The order is: kernel file systems, the pod's files and the request's mounts with parents
 * before children, masked and read-only paths, at last the root itself. Not thread-safe; one for
 * one plan. Collects the mounts that it opens in {@code opened}.
 */
final class RootContents {
  private static final long QUIET =
      MountFlags.MOUNT_ATTR_NOSUID | MountFlags.MOUNT_ATTR_NOEXEC | MountFlags.MOUNT_ATTR_NODEV;

  private static final String SHM = "/dev/shm";
  private static final String CGROUP = "/sys/fs/cgroup";

  private final LaunchContext context;
  private final LaunchPlan.Builder plan;
  private final Linux linux;
  private final LaunchSettings settings;
  private final HostMounts hosts;
  private final Targets targets;
  private final List<Fd> opened;
  private final boolean privileged;

  RootContents(
      LaunchContext context,
      LaunchPlan.Builder plan,
      Linux linux,
      LaunchSettings settings,
      List<Fd> opened) {
    this.context = context;
    this.plan = plan;
    this.linux = linux;
    this.settings = settings;
    this.hosts = new HostMounts(linux, settings.createMissingMounts());
    this.targets = Targets.of(context.container());
    this.opened = opened;
    this.privileged = context.container().security().privileged();
  }

  void build(FdRef root, String workingDir) {
    plan.propagation(MountFlags.MS_SLAVE);
    plan.root(root);
    proc();
    dev();
    sys();
    volumes();
    imageVolumes();
    plan.mkcwd(workingDir, 0, 0);
    hide();
    if (context.container().security().readonlyRootfs()) {
      plan.setAttributes("/", MountFlags.MOUNT_ATTR_RDONLY, 0, 0, false);
    }
    plan.pivot();
  }

  private void proc() {
    if (!targets.replaces("/proc")) {
      plan.mount("proc", "/proc", QUIET, List.of());
    }
  }

  private void dev() {
    if (targets.replaces("/dev")) {
      return;
    }
    plan.mount(
        "tmpfs",
        "/dev",
        MountFlags.MOUNT_ATTR_NOSUID | MountFlags.MOUNT_ATTR_STRICTATIME,
        List.of("mode=755", "size=65536k"));
    deviceNodes();
    if (!targets.replaces("/dev/pts")) {
      plan.mount(
          "devpts",
          "/dev/pts",
          MountFlags.MOUNT_ATTR_NOSUID | MountFlags.MOUNT_ATTR_NOEXEC,
          List.of("newinstance", "ptmxmode=0666", "mode=0620", "gid=5"));
    }
    plan.symlink("pts/ptmx", "/dev/ptmx");
    plan.symlink("/proc/self/fd", "/dev/fd");
    plan.symlink("/proc/self/fd/0", "/dev/stdin");
    plan.symlink("/proc/self/fd/1", "/dev/stdout");
    plan.symlink("/proc/self/fd/2", "/dev/stderr");
    plan.symlink("/proc/kcore", "/dev/core");
    if (!targets.replaces(SHM)) {
      sharedMemory();
    }
    if (!targets.replaces("/dev/mqueue")) {
      plan.mount("mqueue", "/dev/mqueue", QUIET, List.of(), true);
    }
  }

  private void deviceNodes() {
    Set<String> parents = new TreeSet<>();
    for (DeviceNode node : new Devices(linux.files()).of(context.container())) {
      if (targets.has(node.path())) {
        continue;
      }
      String parent = node.path().substring(0, Math.max(1, node.path().lastIndexOf('/')));
      if (!parent.equals("/dev") && parents.add(parent)) {
        plan.mkdir(parent, 0755);
      }
      plan.mknod(
          node.path(), node.mode(), node.major(), node.minor(), (int) node.uid(), (int) node.gid());
    }
  }

  private void sharedMemory() {
    FdRef shm =
        context.shm().map(this::reference).orElseGet(() -> plan.fd(own(hosts.bind(SHM, false))));
    plan.attach(shm, SHM, Create.DIRECTORY);
  }

  private void sys() {
    if (!targets.replaces("/sys")) {
      long readonly = privileged ? 0 : MountFlags.MOUNT_ATTR_RDONLY;
      plan.mount("sysfs", "/sys", QUIET | readonly, List.of());
    }
    if (!privileged) {
      // whatever is mounted there: a container sees its own cgroup as the root
      plan.unshare(CloneFlags.CLONE_NEWCGROUP);
    }
    if (targets.replaces(CGROUP) || targets.has("/sys")) {
      return;
    }
    if (privileged) {
      // bound, not mounted: a mount from the host's cgroup namespace would reset the options
      // (nsdelegate, memory_recursiveprot) of the one superblock that all share
      plan.attach(
          plan.fd(own(hosts.bind(settings.cgroupMount(), false))), CGROUP, Create.DIRECTORY);
      return;
    }
    plan.mount("cgroup2", CGROUP, QUIET | MountFlags.MOUNT_ATTR_RDONLY, List.of());
  }

  private void volumes() {
    podFile("/etc/hosts", context.files().hosts());
    podFile("/etc/hostname", context.files().hostname());
    podFile("/etc/resolv.conf", context.files().resolvConf());
    for (Targets.Target target : targets.sorted()) {
      FdRef mount = mount(target);
      plan.attach(mount, target.path().getBytes(StandardCharsets.UTF_8), Create.LIKE_SOURCE);
    }
  }

  private void podFile(String path, Optional<String> host) {
    if (host.isPresent() && !targets.covers(path)) {
      boolean readonly = context.container().security().readonlyRootfs();
      plan.attach(plan.fd(own(hosts.bind(host.get(), readonly))), path, Create.FILE);
    }
  }

  private FdRef mount(Targets.Target target) {
    DescriptorRef image = context.imageVolumes().get(target.index());
    if (image != null) {
      return reference(image);
    }
    Fd mount = own(hosts.open(target.mount()));
    if (target.path().equals("/proc")) {
      Targets.requireProc(linux.files(), mount);
    }
    return plan.fd(mount);
  }

  /**
   * A volume that the image declares stays writable below a read-only root: bound onto itself it is
   * a mount of its own, which the root's flag does not reach. With a writable root there is nothing
   * to do: its writable layer lives and ends with the container, as such a volume would.
   */
  private void imageVolumes() {
    if (!context.container().security().readonlyRootfs()) {
      return;
    }
    for (String volume : context.image().volumes()) {
      String path = FieldText.absolutePath("the image's volume", volume);
      if (!path.equals("/") && !targets.covers(path) && !isKernels(path)) {
        plan.mkdir(path, 0755);
        plan.bind(path, path, false, Create.DIRECTORY);
      }
    }
  }

  private static boolean isKernels(String path) {
    return FieldText.isWithin(path, "/proc")
        || FieldText.isWithin(path, "/sys")
        || FieldText.isWithin(path, "/dev");
  }

  private void hide() {
    ContainerSecurity security = context.container().security();
    if (privileged) {
      return;
    }
    security
        .readonlyPaths()
        .forEach(path -> plan.readonly(FieldText.absolutePath("readonly_paths", path)));
    security.maskedPaths().forEach(path -> plan.mask(FieldText.absolutePath("masked_paths", path)));
  }

  private FdRef reference(DescriptorRef descriptor) {
    return References.of(plan, descriptor);
  }

  private Fd own(Fd fd) {
    opened.add(fd);
    return fd;
  }
}
