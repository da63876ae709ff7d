package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.Program;
import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.Int64Value;
import dev.molo.cri.v1.LinuxContainerConfig;
import dev.molo.cri.v1.LinuxContainerSecurityContext;
import dev.molo.cri.v1.Mount;
import dev.molo.cri.v1.MountPropagation;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon in the state that systemd/molo.service gives it: the host's mount namespace with a
 * shared root, privileges that may be gained, all capabilities, its limits and score. What
 * sandboxing in the unit would break works: set-uid programs and Bidirectional mounts; and the
 * service manager hears what it waits for.
 */
@ExtendWith(RealKernel.class)
@Timeout(600)
class UnitStateIT {
  private static final Path UNIT = Path.of("../systemd/molo.service");

  /** A mount namespace stands for the host's, so that nothing reaches the real one. */
  private static final String AS_THE_UNIT =
      """
      mount --make-rshared /
      ulimit -n "$1" 2> /dev/null || ulimit -n "$(ulimit -H -n)" # where it is not permitted
      (echo "$2" > /proc/$$/oom_score_adj) 2> /dev/null || true
      shift 2
      exec "$@"
      """;

  @TempDir private Path folder;
  private final String instance = "unit-" + ProcessHandle.current().pid();
  private TestDaemon daemon;
  private World world;
  private Set<String> before;
  private SystemdNotifyIT.Manager manager;

  @BeforeEach
  void startAsTheUnitDoes() throws IOException, InterruptedException {
    daemon = new TestDaemon(instance, folder);
    daemon.importImage(WorkloadImage.make(folder), WorkloadImage.REFERENCE);
    daemon.launchBy(
        "unshare",
        "--mount",
        "sh",
        "-ec",
        AS_THE_UNIT,
        "unit",
        setting("LimitNOFILE"),
        setting("OOMScoreAdjust"),
        "env",
        "NOTIFY_SOCKET=" + folder.resolve("notify"),
        "WATCHDOG_USEC=400000");
    manager = new SystemdNotifyIT.Manager(folder.resolve("notify").toString());
    daemon.start();
    world = new World(instance, daemon);
    before = world.look();
  }

  private static String setting(String name) throws IOException {
    return Files.readAllLines(UNIT).stream()
        .filter(line -> line.startsWith(name + "="))
        .findFirst()
        .orElseThrow()
        .substring(name.length() + 1);
  }

  @AfterEach
  void leaveNothing() throws IOException, InterruptedException {
    try {
      assertThat(world.differences(before)).isEmpty();
    } finally {
      daemon.close();
      manager.close();
      new InstanceCleanup(instance).run();
    }
  }

  /** A daemon that cannot run does not feed the watchdog: systemd would start it anew. */
  @Test
  void managerHearsThatTheDaemonIsReadyAliveAndEnds() throws Exception {
    assertThat(manager.hears())
        .isEqualTo("READY=1|STATUS=serves " + daemon.run().resolve("molo.sock"));
    assertThat(manager.hears()).isEqualTo("WATCHDOG=1");
    assertThat(manager.hears()).isEqualTo("WATCHDOG=1");
    signal("-STOP");
    TestNode.until("the daemon is stopped", this::isStopped);
    manager.hearsAllUntilNow();
    Thread.sleep(1000);
    assertThat(manager.hearsAllUntilNow()).as("while the daemon is stopped").isEmpty();
    signal("-CONT");
    assertThat(manager.hears()).isEqualTo("WATCHDOG=1");
    daemon.stop();
    String last = manager.hears();
    while (last.equals("WATCHDOG=1")) {
      last = manager.hears();
    }
    assertThat(last).isEqualTo("STOPPING=1");
    daemon.start();
  }

  /** All of its threads, of which some may end while they are looked at. */
  private boolean isStopped() {
    try (Stream<Path> threads = Files.list(Path.of("/proc/" + daemon.pid() + "/task"))) {
      for (Path thread : threads.toList()) {
        if (!Files.readString(thread.resolve("status")).contains("State:\tT")) {
          return false;
        }
      }
      return true;
    } catch (IOException ended) {
      return false;
    }
  }

  private void signal(String signal) throws IOException, InterruptedException {
    var _ = Program.run("kill", signal, Long.toString(daemon.pid()));
  }

  @Test
  void setUidProgramRunsAsItsOwnerUnlessThePodForbidsIt() throws Exception {
    assertThat(printedByASetUidProgram(false)).isEqualTo("0");
    assertThat(printedByASetUidProgram(true)).isEqualTo("1000");
  }

  private String printedByASetUidProgram(boolean noNewPrivs)
      throws IOException, InterruptedException {
    PodScenario pod =
        new PodScenario(
            "set-uid-" + noNewPrivs,
            folder.resolve("logs"),
            "euid",
            false,
            container ->
                container
                    .addCommand("/set-uid")
                    .setLinux(
                        LinuxContainerConfig.newBuilder()
                            .setSecurityContext(
                                LinuxContainerSecurityContext.newBuilder()
                                    .setRunAsUser(Int64Value.newBuilder().setValue(1000))
                                    .setNoNewPrivs(noNewPrivs))));
    pod.up().subList(0, 3).forEach(call -> call.accept(daemon.cri()));
    await(
        "the end of the program",
        () -> pod.containerState(daemon.cri()) == ContainerState.CONTAINER_EXITED);
    String printed = Files.readString(pod.log()).strip();
    pod.down().forEach(call -> call.accept(daemon.cri()));
    return printed.substring(printed.lastIndexOf(' ') + 1);
  }

  @Test
  void bidirectionalMountReachesTheHostAndNoOtherDoes() throws Exception {
    Path host = Files.createDirectories(folder.resolve("host"));
    PodScenario both = mounting(host, "both", MountPropagation.PROPAGATION_BIDIRECTIONAL);
    PodScenario alone = mounting(host, "alone", MountPropagation.PROPAGATION_PRIVATE);
    List.of(both, alone).forEach(pod -> pod.up().forEach(call -> call.accept(daemon.cri())));
    await("the mount on the host", () -> madeOnTheHost().equals(List.of(host + "/both")));
    assertThat(alone.containerState(daemon.cri())).isEqualTo(ContainerState.CONTAINER_RUNNING);
    List.of(both, alone).forEach(pod -> pod.down().forEach(call -> call.accept(daemon.cri())));
    // it is the host's now, as with the mounts of a storage driver
    assertThat(madeOnTheHost()).containsExactly(host + "/both");
  }

  private PodScenario mounting(Path host, String name, MountPropagation propagation)
      throws IOException {
    Files.createDirectories(host.resolve(name));
    UnaryOperator<ContainerConfig.Builder> privileged =
        container ->
            container
                .addMounts(
                    Mount.newBuilder()
                        .setHostPath(host.toString())
                        .setContainerPath("/host")
                        .setPropagation(propagation))
                .setLinux(
                    LinuxContainerConfig.newBuilder()
                        .setSecurityContext(
                            LinuxContainerSecurityContext.newBuilder().setPrivileged(true)));
    return new PodScenario(name, folder.resolve("logs"), "mount /host/" + name, true, privileged);
  }

  /** Where the daemon's own mount namespace has what a pod has mounted. */
  private List<String> madeOnTheHost() throws IOException {
    return Files.readAllLines(Path.of("/proc/" + daemon.pid() + "/mountinfo")).stream()
        .filter(line -> line.contains(" made-by-a-pod "))
        .map(line -> line.split(" ")[4])
        .toList();
  }

  private interface Check {
    boolean holds() throws IOException;
  }

  private static void await(String what, Check check) throws IOException, InterruptedException {
    for (int tries = 0; tries < 6000; tries++) {
      if (check.holds()) {
        return;
      }
      Thread.sleep(10);
    }
    throw new AssertionError("did not come: " + what);
  }
}
