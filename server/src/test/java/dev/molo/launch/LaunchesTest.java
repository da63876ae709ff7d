package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.linux.Errno;
import dev.molo.linux.RecordingLinux;
import dev.molo.spec.CapabilityRequest;
import dev.molo.spec.ContainerId;
import dev.molo.spec.EnvVar;
import dev.molo.spec.ImageDefaults;
import dev.molo.spec.MountSpec.Propagation;
import dev.molo.spec.NamespaceMode;
import dev.molo.spec.Resources;
import dev.molo.spec.SandboxId;
import dev.molo.spec.SecurityProfile;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Golden plans: the operations that requests come to, in their order. */
class LaunchesTest {
  private static final ProcessUser WEB = new ProcessUser(1000, 1001, List.of(1001L, 44L), "/srv");
  private static final String ID = "c".repeat(64);

  private final RecordingLinux linux = Specs.kernel();
  private final Launches launches =
      new Launches(linux, new LaunchSettings(true, Map.of(), "/sys/fs/cgroup", "molo-default"));
  private final Specs specs = new Specs();
  private ImageDefaults image = ImageDefaults.NONE;

  @Test
  void anOrdinaryContainer() {
    specs.command = List.of("/bin/app", "--x");
    specs.maskedPaths = List.of("/proc/kcore");
    specs.readonlyPaths = List.of("/proc/sys");
    specs.seccomp = SecurityProfile.RUNTIME_DEFAULT;
    specs.noNewPrivs = true;
    try (Launch launch = launch()) {
      assertThat(PlanText.of(launch.plan()))
          .containsExactly(
              "CGROUP 0",
              "CLONE 20020000",
              "STDIN 0 -",
              "OUTPUT 1 - -",
              "LOG 1",
              "OOM_SCORE 0",
              "PROPAGATION 80000",
              "ROOT h1",
              "MOUNT 1 e proc /proc",
              "MOUNT 1 22 tmpfs /dev mode=755 size=65536k",
              "MKNOD 21b6 1 3 0 0 /dev/null",
              "MKNOD 21b6 1 5 0 0 /dev/zero",
              "MKNOD 21b6 1 7 0 0 /dev/full",
              "MKNOD 21b6 1 8 0 0 /dev/random",
              "MKNOD 21b6 1 9 0 0 /dev/urandom",
              "MKNOD 21b6 5 0 0 0 /dev/tty",
              "MOUNT 1 a devpts /dev/pts newinstance ptmxmode=0666 mode=0620 gid=5",
              "SYMLINK pts/ptmx /dev/ptmx",
              "SYMLINK /proc/self/fd /dev/fd",
              "SYMLINK /proc/self/fd/0 /dev/stdin",
              "SYMLINK /proc/self/fd/1 /dev/stdout",
              "SYMLINK /proc/self/fd/2 /dev/stderr",
              "SYMLINK /proc/kcore /dev/core",
              "ATTACH p1 1 /dev/shm",
              "MOUNT 17 e mqueue /dev/mqueue",
              "MOUNT 1 f sysfs /sys",
              "UNSHARE 2000000",
              "MOUNT 1 f cgroup2 /sys/fs/cgroup",
              "ATTACH 2 2 /etc/hosts",
              "ATTACH 3 2 /etc/hostname",
              "ATTACH 4 2 /etc/resolv.conf",
              "MKCWD 0 0 /",
              "READONLY /proc/sys",
              "MASK /proc/kcore",
              "PIVOT",
              "RLIMIT 7 0 100000 100000",
              "UMASK 12",
              "CHOWN_STDIO 1000 1001",
              "CWD /",
              "BOUNDING a80425fb",
              "KEEP_CAPS 1",
              "IDS 1000 1001 1001 44",
              "CAPS a80425fb a80425fb 0 0",
              "NO_NEW_PRIVS",
              "SECCOMP 0 67305985 134678021",
              "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
              "ENV HOSTNAME=pod",
              "ENV HOME=/srv",
              "ARG /bin/app",
              "ARG --x",
              "EXEC");
    }
  }

  @Test
  void closingALaunchClosesWhatItOpened() {
    specs.mounts = List.of(Specs.bind("/data", "/data"));
    launch().close();
    assertThat(linux.openFds()).isEmpty();
  }

  @Test
  void aFailureLeavesNoDescriptorOpen() {
    specs.mounts = List.of(Specs.bind("/a", "/a"), Specs.bind("/b", "/b"));
    int calls = countCalls();
    for (int successes = 0; successes < calls; successes++) {
      linux.refuseAfter(successes, Errno.EIO);
      try {
        launch().close();
      } catch (RuntimeException injected) {
        assertThat(injected).hasMessageContaining("EIO");
      }
      assertThat(linux.openFds()).as("after %d calls", successes).isEmpty();
    }
  }

  @Test
  void theFilterIsSetBeforeTheIdsUnlessPrivilegesCannotGrow() {
    specs.seccomp = SecurityProfile.RUNTIME_DEFAULT;
    assertThat(operations("SECCOMP", "IDS", "CAPS", "NO_NEW_PRIVS"))
        .extracting(line -> line.split(" ", 2)[0])
        .containsExactly("SECCOMP", "IDS", "CAPS");
  }

  @Test
  void mountsAreAttachedParentsFirst() {
    specs.mounts =
        List.of(
            Specs.bind("/h/3", "/a/b/c"),
            Specs.bind("/h/1", "/a"),
            Specs.bind("/h/2", "/a/b/"),
            Specs.bind("/h/4", "/z"));
    assertThat(operations("ATTACH"))
        .extracting(line -> line.split(" ", -1)[3])
        .containsExactly(
            "/dev/shm",
            "/etc/hosts",
            "/etc/hostname",
            "/etc/resolv.conf",
            "/a",
            "/z",
            "/a/b",
            "/a/b/c");
  }

  @Test
  void theRequestsMountsReplaceOurs() {
    specs.mounts =
        List.of(
            Specs.bind("/h", "/etc/hosts"), Specs.bind("/h", "/dev/shm"), Specs.bind("/h", "/sys"));
    assertThat(operations("ATTACH"))
        .extracting(line -> line.split(" ", -1)[3])
        .containsExactly("/etc/hostname", "/etc/resolv.conf", "/sys", "/etc/hosts", "/dev/shm");
    assertThat(operations("MOUNT")).noneMatch(line -> line.contains("/sys"));
  }

  @Test
  void aMountedDevReplacesAllBelow() {
    specs.mounts = List.of(Specs.bind("/dev", "/dev"));
    assertThat(operations("MKNOD", "SYMLINK")).isEmpty();
    assertThat(operations("MOUNT")).noneMatch(line -> line.contains("/dev"));
  }

  @Test
  void privilegedSeesAllAndNothingIsHidden() {
    specs.privileged = true;
    specs.maskedPaths = List.of("/proc/kcore");
    specs.readonlyPaths = List.of("/proc/sys");
    specs.seccomp = SecurityProfile.RUNTIME_DEFAULT;
    List<String> plan = operations();
    assertThat(plan).contains("MOUNT 1 e sysfs /sys", "BOUNDING 1ffffffffff");
    assertThat(plan)
        .noneMatch(line -> line.startsWith("MASK") || line.startsWith("READONLY"))
        .noneMatch(line -> line.startsWith("UNSHARE") || line.startsWith("SECCOMP"))
        .anyMatch(line -> line.matches("ATTACH \\d+ 1 /sys/fs/cgroup"));
    assertThat(launches.deviceFilter(specs.container())).isEmpty();
  }

  @Test
  void aReadOnlyRootKeepsTheImagesVolumesWritable() {
    specs.readonlyRootfs = true;
    image =
        new ImageDefaults(
            List.of(), List.of(), List.of(), "", "", "", List.of("/var/cache", "/data", "/proc/x"));
    specs.mounts = List.of(Specs.bind("/h", "/data"));
    assertThat(operations("BIND", "SETATTR", "PIVOT"))
        .containsExactly("BIND 1 /var/cache /var/cache", "SETATTR 1 0 0 0 /", "PIVOT");
  }

  @Test
  void aTerminalHasAConsole() {
    specs.tty = true;
    assertThat(operations("STDIN", "OUTPUT", "TERMINAL"))
        .containsExactly("STDIN 3 -", "OUTPUT 3 - -", "TERMINAL 0 0 1");
    assertThat(operations("ENV")).contains("ENV TERM=xterm");
  }

  @Test
  void pidModes() {
    specs.pid = NamespaceMode.POD;
    assertThat(operations("CLONE", "PID_POD", "PID_OF")).containsExactly("CLONE 20000", "PID_POD");
    specs.pid = NamespaceMode.NODE;
    assertThat(operations("CLONE", "PID_POD", "PID_OF")).containsExactly("CLONE 20000");
    specs.pid = NamespaceMode.TARGET;
    assertThat(operations("CLONE", "PID_POD", "PID_OF"))
        .containsExactly("CLONE 20000", "PID_OF " + "d".repeat(64));
  }

  @Test
  void theHostsIpcSharesItsMemoryFiles() {
    specs.ipc = NamespaceMode.NODE;
    LaunchContext context = context(Optional.empty());
    try (Launch launch = launches.containerPlan(context)) {
      assertThat(PlanText.of(launch.plan()))
          .anyMatch(line -> line.matches("ATTACH \\d+ 1 /dev/shm"));
      assertThat(linux.calls("openat2")).anyMatch(call -> call.contains("/dev/shm"));
    }
  }

  @Test
  void aMissingHostPathIsMadeOrRefused() {
    linux.refuse("openat2", Errno.ENOENT);
    specs.mounts = List.of(Specs.bind("/made/by/us", "/data"));
    assertThatThrownBy(() -> launches.check(specs.sandbox(), specs.container(), image))
        .hasMessageContaining("/made/by/us");
    assertThat(linux.calls("mkdirat"))
        .containsExactly(
            "mkdirat(AT_FDCWD, /made, 493)",
            "mkdirat(AT_FDCWD, /made/by, 493)",
            "mkdirat(AT_FDCWD, /made/by/us, 493)");
    Launches strict =
        new Launches(linux, new LaunchSettings(false, Map.of(), "/sys/fs/cgroup", "molo-default"));
    assertThatThrownBy(() -> strict.check(specs.sandbox(), specs.container(), image))
        .hasMessage(
            "mounts[/data]: host path /made/by/us does not exist (mounts.createMissing is false)");
  }

  @Test
  void propagationNeedsASharedSource() {
    specs.mounts = List.of(Specs.bind("/h", "/data", false, Propagation.BIDIRECTIONAL));
    mountinfo("36 35 98:0 / /h rw master:1 - ext4 /dev/sda rw\n");
    assertThatThrownBy(this::launch).hasMessageContaining("bidirectional propagation needs");
    mountinfo("36 35 98:0 / /h rw shared:7 - ext4 /dev/sda rw\n");
    launch().close();
    specs.mounts = List.of(Specs.bind("/h", "/data", false, Propagation.HOST_TO_CONTAINER));
    launch().close();
    mountinfo("36 35 98:0 / /h rw - ext4 /dev/sda rw\n");
    assertThatThrownBy(this::launch).hasMessageContaining("host-to-container propagation needs");
  }

  @Test
  void mountsThatNoHostCouldGiveAreRefused() {
    refusesMount("/proc/sys/kernel", "lies in procfs");
    refusesMount("/", "must not be the root");
    refusesMount("/a/../..", "must not be the root");
    refusesMount("data", "absolute path");
    refusesMount("/a\nb", "control character");
  }

  @Test
  void anExecHasItsContainersRights() {
    specs.seccomp = SecurityProfile.RUNTIME_DEFAULT;
    specs.noNewPrivs = true;
    specs.capabilities = new CapabilityRequest(List.of(), List.of("ALL"), List.of());
    specs.envs = List.of(EnvVar.of("A", "1"));
    specs.workingDir = "/work";
    ExecContext context =
        new ExecContext(
            new ContainerId(ID),
            specs.sandbox(),
            specs.container(),
            image,
            List.of("ls", "-l"),
            "pod",
            WEB,
            linux.fd(),
            false,
            Optional.empty(),
            Optional.of(linux.fd()),
            Optional.of(linux.fd()));
    assertThat(PlanText.of(launches.execPlan(context).plan()))
        .containsExactly(
            "CGROUP 0",
            "PID_OF " + ID,
            "STDIN 0 -",
            "OUTPUT 2 1 2",
            "OOM_SCORE 0",
            "JOIN 2020000",
            "RLIMIT 7 0 100000 100000",
            "UMASK 12",
            "CHOWN_STDIO 1000 1001",
            "CWD /work",
            "BOUNDING 0",
            "KEEP_CAPS 1",
            "IDS 1000 1001 1001 44",
            "CAPS 0 0 0 0",
            "NO_NEW_PRIVS",
            "SECCOMP 0 67305985 134678021",
            "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "ENV HOSTNAME=pod",
            "ENV A=1",
            "ENV HOME=/srv",
            "ARG ls",
            "ARG -l",
            "EXEC");
  }

  @Test
  void aPodIsSetUpWithItsNameSysctlsAndReaper() {
    specs.pid = NamespaceMode.POD;
    specs.sysctls = Map.of("kernel.sem", "1 2 3 4");
    SetupPlan setup = launches.setup(specs.sandbox());
    assertThat(setup.ownNetwork() && setup.ownIpc() && setup.ownUts()).isTrue();
    assertThat(PlanText.of(launches.setupOperations(setup).build()))
        .containsExactly(
            "HOSTNAME pod",
            "LOOPBACK_UP",
            "SYSCTL kernel/sem 1 2 3 4",
            "SYSCTL net/ipv4/ip_unprivileged_port_start 0",
            "SYSCTL net/ipv4/ping_group_range 0 2147483647",
            "PID_REAPER");
  }

  @Test
  void aPodWithTheHostsNetworkHasItsName() {
    specs.network = NamespaceMode.NODE;
    SetupPlan setup = launches.setup(specs.sandbox());
    assertThat(setup.ownUts()).isFalse();
    assertThat(PlanText.of(launches.setupOperations(setup).build())).isEmpty();
  }

  @Test
  void hostnamesThatTheKernelWouldNotTakeAreRefused() {
    for (String hostname : List.of("a\nb", "x".repeat(65), "\u00e4".repeat(33), "a\0")) {
      specs.hostname = hostname;
      assertThatThrownBy(() -> launches.setup(specs.sandbox())).hasMessageStartingWith("hostname");
    }
  }

  @Test
  void aScoreOutOfRangeIsRefused() {
    specs.resources = new Resources(0, 0, 0, 0, 0, 1001, "", "", List.of(), Map.of());
    assertThatThrownBy(() -> launches.check(specs.sandbox(), specs.container(), image))
        .hasMessageContaining("oom_score_adj");
  }

  @Test
  void aPrivilegedContainerNeedsAPrivilegedSandbox() {
    var sandbox = specs.sandbox();
    specs.privileged = true;
    assertThatThrownBy(() -> launches.check(sandbox, specs.container(), image))
        .hasMessageContaining("privileged");
  }

  @Test
  void apparmorWithoutSupportIsRefusedWhenAProfileIsNamed() {
    specs.apparmor = SecurityProfile.RUNTIME_DEFAULT;
    assertThat(launches.containerPlan(context()).warnings()).isEmpty();
    specs.apparmor = new SecurityProfile(SecurityProfile.Kind.LOCALHOST, "mine");
    assertThatThrownBy(this::launch).hasMessageContaining("AppArmor is not enabled");
  }

  private void refusesMount(String path, String why) {
    specs.mounts = List.of(Specs.bind("/h", path));
    assertThatThrownBy(this::launch).hasMessageContaining(why);
  }

  private void mountinfo(String table) {
    linux.answer("readFile", call -> table.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  private int countCalls() {
    linux.forget();
    launch().close();
    int calls = linux.calls().size();
    linux.forget();
    return calls;
  }

  private List<String> operations(String... names) {
    try (Launch launch = launch()) {
      return names.length == 0 ? PlanText.of(launch.plan()) : PlanText.of(launch.plan(), names);
    }
  }

  private Launch launch() {
    return launches.containerPlan(context());
  }

  private LaunchContext context() {
    return context(Optional.of(new DescriptorRef.HeldForPod(1)));
  }

  private LaunchContext context(Optional<DescriptorRef> shm) {
    return new LaunchContext(
        new SandboxId("a".repeat(64)),
        new ContainerId(ID),
        specs.sandbox(),
        specs.container(),
        image,
        "pod",
        WEB,
        new DescriptorRef.HeldForContainer(1),
        new PodFiles(
            Optional.of("/pods/hosts"),
            Optional.of("/pods/hostname"),
            Optional.of("/pods/resolv.conf")),
        Map.of(),
        shm,
        dev.molo.linux.Fd.borrowed(100),
        Optional.of(dev.molo.linux.Fd.borrowed(101)),
        Optional.of(new ContainerId("d".repeat(64))));
  }
}
