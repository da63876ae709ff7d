package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.cri.v1.AuthConfig;
import dev.molo.cri.v1.Capability;
import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.DNSConfig;
import dev.molo.cri.v1.HugepageLimit;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.Int64Value;
import dev.molo.cri.v1.KeyValue;
import dev.molo.cri.v1.LinuxContainerConfig;
import dev.molo.cri.v1.LinuxContainerResources;
import dev.molo.cri.v1.LinuxContainerSecurityContext;
import dev.molo.cri.v1.LinuxPodSandboxConfig;
import dev.molo.cri.v1.LinuxSandboxSecurityContext;
import dev.molo.cri.v1.Mount;
import dev.molo.cri.v1.NamespaceMode;
import dev.molo.cri.v1.NamespaceOption;
import dev.molo.cri.v1.PodSandboxConfig;
import dev.molo.cri.v1.PodSandboxStatusRequest;
import dev.molo.cri.v1.PullImageRequest;
import dev.molo.cri.v1.SecurityProfile;
import dev.molo.cri.v1.SupplementalGroupsPolicy;
import dev.molo.cri.v1.UpdateContainerResourcesRequest;
import dev.molo.cri.v1.UserNamespace;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What a container finds, as the kernel itself tells it, made by a real daemon. */
@ExtendWith(RealKernel.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContainerWorldIT {
  private static final HugepageLimit HUGE = HugepageLimit.newBuilder().setPageSize("2MB").build();

  @TempDir private static Path folder;
  private TestNode node;

  @BeforeAll
  void start() throws IOException, InterruptedException {
    node = new TestNode("world", folder);
    node.daemon()
        .configure(
            """
            cgroup: {missingControllers: warn}
            mounts: {shmSize: 8MiB}
            rlimits: {nofile: "1000:2000", core: "0"}
            """);
    node.daemon().start();
  }

  @AfterEach
  void clear() {
    node.clear();
  }

  @AfterAll
  void end() throws IOException, InterruptedException {
    node.end();
  }

  private static LinuxPodSandboxConfig sandbox(Consumer<LinuxSandboxSecurityContext.Builder> how) {
    LinuxSandboxSecurityContext.Builder security = LinuxSandboxSecurityContext.newBuilder();
    how.accept(security);
    return LinuxPodSandboxConfig.newBuilder().setSecurityContext(security).build();
  }

  private String sleeper(String pod, Consumer<LinuxContainerSecurityContext.Builder> how) {
    return sleeper(pod, "main", how);
  }

  private String sleeper(
      String pod, String name, Consumer<LinuxContainerSecurityContext.Builder> how) {
    return node.sleeper(pod, name, config -> secured(config, how));
  }

  private static ContainerConfig.Builder secured(
      ContainerConfig.Builder config, Consumer<LinuxContainerSecurityContext.Builder> how) {
    LinuxContainerConfig.Builder linux = config.getLinuxBuilder();
    how.accept(linux.getSecurityContextBuilder());
    return config;
  }

  private static void unconfined(LinuxContainerSecurityContext.Builder security) {
    security.setSeccomp(
        SecurityProfile.newBuilder().setProfileType(SecurityProfile.ProfileType.Unconfined));
  }

  private Map<String, String> environment(Path file) {
    return variables(TestNode.read(file));
  }

  private static Map<String, String> variables(String environ) {
    return Arrays.stream(environ.split("\0"))
        .map(one -> one.split("=", 2))
        .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
  }

  /** A field of /proc/PID/status. */
  private String status(String container, String field) {
    return TestNode.read(node.proc(container, "status"))
        .lines()
        .filter(line -> line.startsWith(field + ":"))
        .map(line -> line.substring(field.length() + 1).strip())
        .findFirst()
        .orElseThrow();
  }

  private String link(String container, String namespace) throws IOException {
    return Files.readSymbolicLink(node.proc(container, "ns/" + namespace)).toString();
  }

  private static String own(String namespace) throws IOException {
    return Files.readSymbolicLink(Path.of("/proc/self/ns", namespace)).toString();
  }

  // ---- environment and files ----

  @Test
  void processesFindPathHostnameAndHome() {
    String pod = node.pod("env");
    String container =
        node.sleeper(
            pod,
            "main",
            config ->
                secured(config, security -> security.setRunAsUsername("keeper"))
                    .addEnvs(
                        KeyValue.newBuilder()
                            .setKey("BYTES")
                            .setValue(
                                com.google.protobuf.ByteString.copyFromUtf8("two\nlines = ü"))));

    for (Map<String, String> found :
        List.of(
            environment(node.proc(container, "environ")),
            variables(node.said(container, "cat", "/proc/self/environ")))) {
      assertThat(found)
          .containsEntry("HOSTNAME", "env")
          .containsEntry("HOME", "/home/keeper")
          .containsEntry("BYTES", "two\nlines = ü")
          .doesNotContainKey("TERM");
      assertThat(found.get("PATH")).contains("/usr/bin");
    }
  }

  @Test
  void aTerminalBringsTerm() {
    String container = node.sleeper(node.pod("term"), "main", config -> config.setTty(true));

    assertThat(environment(node.proc(container, "environ"))).containsEntry("TERM", "xterm");
  }

  @Test
  void hostsHostnameAndResolvConfAreThePods() {
    PodSandboxConfig.Builder config =
        node.podConfig("etc")
            .setDnsConfig(
                DNSConfig.newBuilder()
                    .addServers("192.0.2.53")
                    .addSearches("harbour.test")
                    .addOptions("ndots:5"));
    String pod = node.pod(config);
    String container = sleeper(pod, _ -> {});
    String address =
        node.cri()
            .podSandboxStatus(PodSandboxStatusRequest.newBuilder().setPodSandboxId(pod).build())
            .getStatus()
            .getNetwork()
            .getIp();

    assertThat(node.said(container, "cat", "/etc/hosts"))
        .contains("127.0.0.1\tlocalhost", address + "\tetc");
    assertThat(node.said(container, "cat", "/etc/hostname")).isEqualTo("etc\n");
    assertThat(node.said(container, "cat", "/etc/resolv.conf"))
        .isEqualTo("search harbour.test\nnameserver 192.0.2.53\noptions ndots:5\n");
    assertThat(node.said(container, "cat", "/proc/sys/kernel/hostname")).isEqualTo("etc\n");
  }

  // ---- namespaces ----

  @Test
  void thePodsNetworkAllowsLowPortsAndPing() throws IOException {
    String pod =
        node.pod(
            node.podConfig("sysctl")
                .setLinux(
                    LinuxPodSandboxConfig.newBuilder()
                        .putSysctls("net.ipv4.ip_forward", "0")
                        .putSysctls("kernel.shm_rmid_forced", "1")));
    String container = sleeper(pod, _ -> {});

    assertThat(node.said(container, "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"))
        .isEqualTo("0\n");
    assertThat(node.said(container, "cat", "/proc/sys/net/ipv4/ping_group_range"))
        .isEqualTo("0\t2147483647\n");
    assertThat(node.said(container, "cat", "/proc/sys/kernel/shm_rmid_forced")).isEqualTo("1\n");
    assertThat(link(container, "net")).isNotEqualTo(own("net"));
    assertThat(link(container, "uts")).isNotEqualTo(own("uts"));
    assertThat(link(container, "ipc")).isNotEqualTo(own("ipc"));
    assertThat(link(container, "mnt")).isNotEqualTo(own("mnt"));
  }

  @Test
  void theHostsNetworkComesWithTheHostsName() throws IOException {
    NamespaceOption host = NamespaceOption.newBuilder().setNetwork(NamespaceMode.NODE).build();
    String pod =
        node.pod(node.podConfig("host").setLinux(sandbox(s -> s.setNamespaceOptions(host))));
    String container = sleeper(pod, security -> security.setNamespaceOptions(host));

    assertThat(link(container, "net")).isEqualTo(own("net"));
    assertThat(link(container, "uts")).isEqualTo(own("uts"));
    assertThat(environment(node.proc(container, "environ")).get("HOSTNAME") + "\n")
        .isEqualTo(TestNode.read(Path.of("/proc/sys/kernel/hostname")));
  }

  @Test
  void theCgroupNamespaceIsPrivateUnlessPrivileged() throws IOException {
    String pod = node.pod(node.podConfig("cgroup").setLinux(sandbox(s -> s.setPrivileged(true))));
    String plain =
        node.sleeper(
            pod,
            "plain",
            config ->
                secured(
                    config,
                    s ->
                        s.setNamespaceOptions(
                            NamespaceOption.newBuilder().setPid(NamespaceMode.CONTAINER))));
    String withSys =
        node.sleeper(
            pod,
            "sys",
            config ->
                config.addMounts(
                    Mount.newBuilder()
                        .setContainerPath("/sys")
                        .setHostPath("/sys")
                        .setReadonly(true)));
    String privileged =
        node.sleeper(pod, "all", config -> secured(config, s -> s.setPrivileged(true)));

    assertThat(link(plain, "cgroup")).isNotEqualTo(own("cgroup"));
    assertThat(link(withSys, "cgroup")).isNotEqualTo(own("cgroup"));
    assertThat(link(privileged, "cgroup")).isEqualTo(own("cgroup"));
    assertThat(node.said(plain, "cat", "/proc/1/cgroup")).contains("0::/\n");
  }

  @Test
  void sharedMemoryIsOneForThePodAndOfTheConfiguredSize() throws IOException {
    String pod = node.pod("shm");
    String first = node.sleeper(pod, "first", config -> config);
    String second = node.sleeper(pod, "second", config -> config);

    node.said(first, "write", "/dev/shm/word", "shared");

    assertThat(node.said(second, "cat", "/dev/shm/word")).isEqualTo("shared");
    assertThat(Files.getFileStore(node.proc(first, "root/dev/shm")).getTotalSpace())
        .isEqualTo(8 << 20);
    assertThat(Files.getAttribute(node.proc(first, "root/dev/shm"), "unix:mode")).isEqualTo(041777);
  }

  // ---- volumes ----

  @Test
  void foldersFilesAndSocketsAreBound() throws IOException {
    Path volume = Files.createDirectories(folder.resolve("volume"));
    Path file = Files.writeString(folder.resolve("one.txt"), "from the host");
    Path missing = folder.resolve("made/when/missing");
    Path socket = folder.resolve("door.sock");
    try (ServerSocketChannel door = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      door.bind(UnixDomainSocketAddress.of(socket));
      String container =
          node.sleeper(
              node.pod("volumes"),
              "main",
              config ->
                  config
                      .addMounts(mount(volume, "/data"))
                      .addMounts(mount(volume, "/ro").setReadonly(true))
                      .addMounts(mount(file, "/etc/one.txt"))
                      .addMounts(mount(socket, "/run/door.sock"))
                      .addMounts(mount(missing, "/made")));

      node.said(container, "write", "/data/word", "written inside");
      assertThat(volume.resolve("word")).hasContent("written inside");
      assertThat(node.said(container, "cat", "/ro/word")).isEqualTo("written inside");
      assertThat(
              node.exec(container, "/bin/probe", "write", "/ro/no", "x").getStderr().toStringUtf8())
          .contains("Read-only file system");
      assertThat(node.said(container, "cat", "/etc/one.txt")).isEqualTo("from the host");
      assertThat(missing).isDirectory();
      Path inside = node.proc(container, "root/run/door.sock");
      assertThat(Files.getAttribute(inside, "unix:ino"))
          .isEqualTo(Files.getAttribute(socket, "unix:ino"));
      try (SocketChannel knock = SocketChannel.open(UnixDomainSocketAddress.of(inside))) {
        assertThat(knock.isConnected()).isTrue();
      }
    }
  }

  @Test
  void optionsOfAMountAreTheKernels() throws IOException {
    Path volume = Files.createDirectories(folder.resolve("careful"));
    String container =
        node.sleeper(
            node.pod("options"),
            "main",
            config ->
                config
                    .addMounts(mount(volume, "/plain"))
                    .addMounts(
                        mount(volume, "/careful")
                            .addAllMountOptions(List.of("nosuid", "nodev", "noexec"))));

    assertThat(mountFlags(container, "/careful")).contains("nosuid", "nodev", "noexec");
    assertThat(mountFlags(container, "/plain")).doesNotContain("nosuid", "nodev", "noexec");
  }

  /** The flags of a mount point, from /proc/PID/mountinfo: proc_pid_mountinfo(5). */
  private List<String> mountFlags(String container, String point) {
    return TestNode.read(node.proc(container, "mountinfo"))
        .lines()
        .map(line -> line.split(" "))
        .filter(fields -> fields[4].equals(point))
        .map(fields -> List.of(fields[5].split(",")))
        .findFirst()
        .orElseThrow();
  }

  private static Mount.Builder mount(Path host, String inside) {
    return Mount.newBuilder().setHostPath(host.toString()).setContainerPath(inside);
  }

  @Test
  void aReadOnlyRootTakesNothing() {
    String container = sleeper(node.pod("ro"), security -> security.setReadonlyRootfs(true));

    assertThat(
            node.exec(container, "/bin/probe", "write", "/etc/no", "x").getStderr().toStringUtf8())
        .contains("Read-only file system");
    node.said(container, "write", "/dev/shm/yes", "x");
  }

  @Test
  void whatAKubeletHidesIsHidden() {
    String container =
        sleeper(
            node.pod("hidden"),
            security ->
                security
                    .addMaskedPaths("/proc/meminfo")
                    .addMaskedPaths("/proc/scsi")
                    .addMaskedPaths("/sys/firmware")
                    .addReadonlyPaths("/proc/sys"));

    assertThat(node.said(container, "cat", "/proc/meminfo")).isEmpty();
    assertThat(node.said(container, "ls", "/sys/firmware")).isEmpty();
    String sysctl = "/proc/sys/net/ipv4/ip_forward";
    assertThat(node.exec(container, "/bin/probe", "write", sysctl, "1").getStderr().toStringUtf8())
        .contains("Read-only file system");
  }

  // ---- rights ----

  @Test
  void identityAndRightsAreWhatWasAsked() {
    String container =
        sleeper(
            node.pod("rights"),
            security ->
                security
                    .setRunAsUser(Int64Value.newBuilder().setValue(1001))
                    .setRunAsGroup(Int64Value.newBuilder().setValue(1002))
                    .addSupplementalGroups(4000)
                    .setNoNewPrivs(true)
                    .setCapabilities(
                        Capability.newBuilder()
                            .addDropCapabilities("ALL")
                            .addAddCapabilities("NET_BIND_SERVICE")
                            .addAddAmbientCapabilities("NET_BIND_SERVICE")));

    assertThat(status(container, "Uid")).isEqualTo("1001\t1001\t1001\t1001");
    assertThat(status(container, "Gid")).isEqualTo("1002\t1002\t1002\t1002");
    assertThat(groups(container)).containsExactlyInAnyOrder("1002", "4000", "50000");
    for (String set : List.of("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")) {
      assertThat(status(container, set)).as(set).isEqualTo("0000000000000400");
    }
    assertThat(status(container, "NoNewPrivs")).isEqualTo("1");
    assertThat(status(container, "Seccomp")).isEqualTo("0");
    assertThat(node.said(container, "cat", "/proc/self/status"))
        .contains("CapEff:\t0000000000000400", "Uid:\t1001\t1001\t1001\t1001");
  }

  private Set<String> groups(String container) {
    return new TreeSet<>(List.of(status(container, "Groups").split(" ")));
  }

  @Test
  void strictGroupsAreTheRequestsAlone() {
    String container =
        sleeper(
            node.pod("strict"),
            security ->
                security
                    .setRunAsUser(Int64Value.newBuilder().setValue(1001))
                    .addSupplementalGroups(4000)
                    .setSupplementalGroupsPolicy(SupplementalGroupsPolicy.Strict));

    assertThat(groups(container)).containsExactlyInAnyOrder("1002", "4000");
  }

  @Test
  void theDefaultFilterIsOnAndPrivilegedMeansNone() {
    String pod = node.pod(node.podConfig("filter").setLinux(sandbox(s -> s.setPrivileged(true))));
    SecurityProfile runtimeDefault =
        SecurityProfile.newBuilder()
            .setProfileType(SecurityProfile.ProfileType.RuntimeDefault)
            .build();
    String filtered =
        node.sleeper(pod, "one", config -> secured(config, s -> s.setSeccomp(runtimeDefault)));
    String free = node.sleeper(pod, "two", config -> secured(config, ContainerWorldIT::unconfined));
    String privileged =
        node.sleeper(pod, "all", config -> secured(config, s -> s.setPrivileged(true)));

    assertThat(status(filtered, "Seccomp")).isEqualTo("2");
    assertThat(status(free, "Seccomp")).isEqualTo("0");
    assertThat(status(privileged, "Seccomp")).isEqualTo("0");
    assertThat(status(filtered, "CapEff")).isEqualTo("00000000a80425fb");
    assertThat(status(privileged, "CapEff"))
        .isEqualTo(
            TestNode.read(Path.of("/proc/self/status"))
                .lines()
                .filter(line -> line.startsWith("CapEff:"))
                .map(line -> line.substring(7).strip())
                .findFirst()
                .orElseThrow());
  }

  @Test
  @SuppressWarnings("deprecation") // older clients still fill it
  void theOlderFieldNamesAFilterToo() {
    String pod = node.pod("older");
    String filtered =
        sleeper(pod, "one", security -> security.setSeccompProfilePath("runtime/default"));
    String free = sleeper(pod, "two", security -> security.setSeccompProfilePath("unconfined"));

    assertThat(status(filtered, "Seccomp")).isEqualTo("2");
    assertThat(status(free, "Seccomp")).isEqualTo("0");
  }

  @Test
  void aTargetsProcessesAreSeen() throws IOException {
    String pod = node.pod("target");
    String target = sleeper(pod, "target", security -> pid(security, NamespaceMode.CONTAINER));
    String alone = sleeper(pod, "alone", security -> pid(security, NamespaceMode.CONTAINER));
    String looker =
        sleeper(
            pod,
            "looker",
            security ->
                security
                    .getNamespaceOptionsBuilder()
                    .setPid(NamespaceMode.TARGET)
                    .setTargetId(target));

    assertThat(link(looker, "pid")).isEqualTo(link(target, "pid"));
    assertThat(link(alone, "pid")).isNotEqualTo(link(target, "pid"));
    assertThat(node.said(looker, "cat", "/proc/1/cmdline")).contains("sleep");
  }

  private static void pid(LinuxContainerSecurityContext.Builder security, NamespaceMode mode) {
    security.getNamespaceOptionsBuilder().setPid(mode);
  }

  @Test
  void withoutMappingsTheUserNamespaceIsTheHosts() throws IOException {
    for (NamespaceMode mode : List.of(NamespaceMode.NODE, NamespaceMode.POD)) {
      UserNamespace userns = UserNamespace.newBuilder().setMode(mode).build();
      String pod =
          node.pod(
              node.podConfig("userns-" + mode.getNumber())
                  .setLinux(sandbox(s -> s.getNamespaceOptionsBuilder().setUsernsOptions(userns))));
      String container =
          sleeper(pod, security -> security.getNamespaceOptionsBuilder().setUsernsOptions(userns));

      assertThat(link(container, "user")).isEqualTo(own("user"));
    }
  }

  @Test
  void standardInputIsOpenWhereAsked() throws IOException {
    String pod = node.pod("stdin");
    String open = node.sleeper(pod, "open", config -> config.setStdin(true));
    String closed = node.sleeper(pod, "closed", config -> config);

    assertThat(Files.readSymbolicLink(node.proc(open, "fd/0")).toString()).startsWith("pipe:");
    assertThat(Files.readSymbolicLink(node.proc(closed, "fd/0"))).hasToString("/dev/null");
  }

  @Test
  void hugePagesAndUnifiedValuesReachTheCgroup() throws IOException {
    Path pages = Path.of("/sys/kernel/mm/hugepages/hugepages-2048kB");
    String controllers = Files.readString(RealKernel.cgroup2().resolve("cgroup.controllers"));
    org.junit.jupiter.api.Assumptions.assumeTrue(
        controllers.contains("hugetlb") && Files.exists(pages),
        "SKIPPED: this host has no hugetlb controller in cgroup v2, or no pages of 2 MiB");
    String pod = node.pod("huge");
    String limited =
        node.sleeper(
            pod, "limited", config -> resources(config, HUGE.toBuilder().setLimit(4 << 20)));
    String unified =
        node.sleeper(
            pod,
            "unified",
            config -> {
              config
                  .getLinuxBuilder()
                  .getResourcesBuilder()
                  .putUnified("hugetlb.2MB.max", "6291456");
              return config;
            });

    assertThat(node.cgroup(pod, limited).resolve("hugetlb.2MB.max")).hasContent("4194304");
    assertThat(node.cgroup(pod, unified).resolve("hugetlb.2MB.max")).hasContent("6291456");

    update(
        limited,
        LinuxContainerResources.newBuilder().addHugepageLimits(HUGE.toBuilder().setLimit(8 << 20)));
    update(unified, LinuxContainerResources.newBuilder().putUnified("hugetlb.2MB.max", "2097152"));

    assertThat(node.cgroup(pod, limited).resolve("hugetlb.2MB.max")).hasContent("8388608");
    assertThat(node.cgroup(pod, unified).resolve("hugetlb.2MB.max")).hasContent("2097152");
  }

  private static ContainerConfig.Builder resources(
      ContainerConfig.Builder config, HugepageLimit.Builder limit) {
    config.getLinuxBuilder().getResourcesBuilder().addHugepageLimits(limit);
    return config;
  }

  private void update(String container, LinuxContainerResources.Builder change) {
    node.cri()
        .updateContainerResources(
            UpdateContainerResourcesRequest.newBuilder()
                .setContainerId(container)
                .setLinux(change)
                .build());
  }

  @Test
  void limitsOfTheProcessAreSet() {
    String container =
        node.sleeper(
            node.pod("rlimits"),
            "main",
            config -> {
              config
                  .getLinuxBuilder()
                  .setResources(LinuxContainerResources.newBuilder().setOomScoreAdj(555));
              return config;
            });

    String limits = TestNode.read(node.proc(container, "limits"));
    assertThat(limits).containsPattern("Max open files +1000 +2000");
    assertThat(limits).containsPattern("Max core file size +0 +0");
    assertThat(TestNode.read(node.proc(container, "oom_score_adj"))).isEqualTo("555\n");
    assertThat(node.said(container, "cat", "/proc/self/oom_score_adj")).isEqualTo("555\n");
  }

  @Test
  void aNewOomScoreIsThatOfEveryProcess() throws IOException {
    String pod = node.pod("scores");
    String runs = sleeper(pod, "runs", _ -> {});
    String later = node.create(pod, node.containerConfig("later", "sleep", "1000"));
    LinuxContainerResources.Builder change = LinuxContainerResources.newBuilder();

    update(runs, change.setOomScoreAdj(444));
    update(later, change.setOomScoreAdj(333));
    node.start(later);

    assertThat(TestNode.read(node.proc(runs, "oom_score_adj"))).isEqualTo("444\n");
    assertThat(node.said(runs, "cat", "/proc/self/oom_score_adj"))
        .as("of an exec that comes later")
        .isEqualTo("444\n");
    assertThat(TestNode.read(node.proc(later, "oom_score_adj"))).isEqualTo("333\n");
  }

  @Test
  void aLimitWithoutItsControllerIsShownInTheContainersStatus() throws IOException {
    String controllers = Files.readString(RealKernel.cgroup2().resolve("cgroup.controllers"));
    org.junit.jupiter.api.Assumptions.assumeFalse(
        controllers.contains("memory"), "SKIPPED: this host lacks no controller");
    String container =
        node.sleeper(
            node.pod("warned"),
            "main",
            config -> {
              config
                  .getLinuxBuilder()
                  .setResources(
                      LinuxContainerResources.newBuilder().setMemoryLimitInBytes(64 << 20));
              return config;
            });

    assertThat(node.verbose(container).getInfoOrThrow("info")).contains("warnings", "memory");
  }

  // ---- what must not be within reach ----

  @Test
  void noDescriptorOfTheDaemonReachesAProgram() {
    String container = sleeper(node.pod("fds"), _ -> {});

    assertThat(node.said(container, "fds")).isEqualTo("0 open\n");
  }

  @Test
  void aWorkingDirectoryThatIsADescriptorIsRefused() {
    String pod = node.pod("cwd");
    for (String path : List.of("/proc/self/fd/3", "/proc/self/fd/7/..//./8", "/dev/fd/8")) {
      ContainerConfig.Builder config = node.containerConfig("main", "pwd").setWorkingDir(path);
      config.getMetadataBuilder().setAttempt(path.hashCode() & 0xffff);
      assertThatThrownBy(() -> node.run(pod, config)).as(path).isNotNull();
    }
  }

  @Test
  void theSupervisorsProgramCannotBeOverwritten() throws IOException {
    String pod = node.pod("exe");
    String container = sleeper(pod, _ -> {});
    Path exe = Path.of("/proc", Long.toString(supervisor(pod)), "exe");

    assertThat(Files.readSymbolicLink(exe).toString()).contains("memfd:");
    byte[] program = Files.readAllBytes(exe);
    assertThatThrownBy(() -> Files.write(exe, new byte[1], StandardOpenOption.WRITE))
        .isInstanceOf(IOException.class);
    // what runs an exec until its program is executed is the supervisor's own program
    assertThat(node.exec(container, "/proc/self/exe").getExitCode()).isNotZero();
    assertThat(Files.readAllBytes(exe)).isEqualTo(program);
    assertThat(node.said(container, "say", "still", "here")).isEqualTo("still here\n");
  }

  private long supervisor(String pod) throws IOException {
    return Long.parseLong(
        Files.readAllLines(node.cgroup(pod, "supervisor").resolve("cgroup.procs")).getFirst());
  }

  /** The inodes of the sockets that a process has. */
  private static Set<String> sockets(long pid) throws IOException {
    Set<String> inodes = new HashSet<>();
    try (Stream<Path> descriptors = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
      for (Path descriptor : descriptors.toList()) {
        try {
          String target = Files.readSymbolicLink(descriptor).toString();
          if (target.startsWith("socket:[")) {
            inodes.add(target.substring("socket:[".length(), target.length() - 1));
          }
        } catch (NoSuchFileException closed) {
          // between the listing and the reading
        }
      }
    }
    assertThat(inodes).as("sockets of process %s", pid).isNotEmpty();
    return inodes;
  }

  @Test
  void aPodOnTheHostsNetworkReachesNoSocketOfTheDaemon() throws IOException {
    NamespaceOption host = NamespaceOption.newBuilder().setNetwork(NamespaceMode.NODE).build();
    String pod =
        node.pod(node.podConfig("reach").setLinux(sandbox(s -> s.setNamespaceOptions(host))));
    sleeper(pod, security -> security.setNamespaceOptions(host));

    // an abstract socket (its name begins with @) would be reachable from there
    Set<String> sockets = sockets(node.daemon().pid());
    sockets.addAll(sockets(supervisor(pod)));
    assertThat(Files.readAllLines(Path.of("/proc/net/unix")))
        .anyMatch(line -> line.endsWith(node.daemon().run() + "/molo.sock"))
        .noneMatch(line -> line.contains(" @") && sockets.contains(line.split(" +")[6]));
    for (String socket : List.of("molo.sock", "pods/" + pod + "/supervisor.sock")) {
      assertThat(
              PosixFilePermissions.toString(
                  Files.getPosixFilePermissions(node.daemon().run().resolve(socket))))
          .as(socket)
          .isEqualTo("rw-------");
    }
  }

  @Test
  void secretsAreNeitherLoggedNorShown() throws IOException {
    String secret = "correct-horse-battery";
    ContainerConfig.Builder config =
        node.containerConfig("main", "sleep", "1000")
            .addEnvs(
                KeyValue.newBuilder()
                    .setKey("TOKEN")
                    .setValue(com.google.protobuf.ByteString.copyFromUtf8(secret)));
    String pod = node.pod("secrets");
    String container = node.run(pod, config);
    ContainerConfig.Builder missing = config.clone().addCommand("/bin/no-such-program");
    missing.getMetadataBuilder().setAttempt(1);
    String failed = node.create(pod, missing);
    assertThatThrownBy(() -> node.start(failed)).hasMessageNotContaining(secret);
    assertThatThrownBy(() ->
            node.images()
                .pullImage(
                    PullImageRequest.newBuilder()
                        .setImage(ImageSpec.newBuilder().setImage("localhost:1/none:1"))
                        .setAuth(AuthConfig.newBuilder().setUsername("me").setPassword(secret))
                        .build()))
        .hasMessageContaining("localhost:1/none")
        .hasMessageNotContaining(secret);

    assertThat(node.verbose(container).toString()).doesNotContain(secret).contains("TOKEN");
    assertThat(Files.readString(node.daemon().log())).doesNotContain(secret);
  }

  @Test
  void theHostsMountTableStaysAsItWas() throws IOException {
    sleeper(node.pod("mounts"), _ -> {});

    assertThat(Files.readAllLines(Path.of("/proc/self/mountinfo")))
        .noneMatch(line -> line.contains(folder.toString()));
  }
}
