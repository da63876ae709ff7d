package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ContainerStatus;
import dev.molo.cri.v1.RuntimeServiceGrpc.RuntimeServiceBlockingStub;
import dev.molo.linux.RealKernel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Kills the daemon at every named step of every lifecycle verb, starts it again, makes the same
 * call again as the kubelet does, and goes on to the end of the pod's life: every call must succeed
 * and nothing may be left.
 */
@ExtendWith(RealKernel.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KilledDaemonIT {
  private static final Path SOURCES = Path.of("src/main/java/dev/molo/pod");
  private static final Pattern VERB = Pattern.compile("begin\\(\\s*\"(\\w+)\"");
  private static final Pattern STEP = Pattern.compile("verb\\.step\\(\\s*\"([^\"]+)\"");

  @TempDir private static Path folder;
  private final String instance = "kill-" + ProcessHandle.current().pid();
  private TestDaemon daemon;
  private Leftovers leftovers;
  private int pods;

  @BeforeAll
  void importImage() throws IOException, InterruptedException {
    daemon = new TestDaemon(instance, folder);
    leftovers = new Leftovers(instance, RealKernel.cgroup2(), daemon);
    daemon.importImage(WorkloadImage.make(folder), WorkloadImage.REFERENCE);
  }

  @AfterAll
  void stopDaemon() {
    daemon.close();
    new InstanceCleanup(instance).run();
  }

  /** Read from the sources, so that a new step is tested without anybody thinking of it. */
  static List<String> steps() throws IOException {
    TreeSet<String> steps = new TreeSet<>();
    try (Stream<Path> files = Files.list(SOURCES)) {
      for (Path file : files.toList()) {
        String text = Files.readString(file);
        Matcher verb = VERB.matcher(text);
        if (verb.find()) {
          Matcher step = STEP.matcher(text);
          while (step.find()) {
            steps.add(verb.group(1) + ":" + step.group(1));
          }
        }
      }
    }
    assertThat(steps).hasSizeGreaterThan(30);
    return List.copyOf(steps);
  }

  @ParameterizedTest
  @MethodSource("steps")
  void killedAtAStepThePodGoesOnAndNothingIsLeft(String step)
      throws IOException, InterruptedException {
    daemon.start("-D" + FaultPoints.KILL_AT + "=" + step);
    PodScenario pod = new PodScenario("pod" + pods++, folder.resolve("logs"), "stay");
    boolean killed = false;
    for (Consumer<RuntimeServiceBlockingStub> call : pod.calls()) {
      try {
        call.accept(daemon.cri());
      } catch (StatusRuntimeException e) {
        assertThat(killed).as("a call failed after the restart: %s", e).isFalse();
        assertThat(daemon.awaitEnd()).as("the daemon's exit at %s: %s", step, e).isEqualTo(137);
        killed = true;
        daemon.start();
        call.accept(daemon.cri());
      }
    }
    assertThat(killed).as("step %s was reached", step).isTrue();
    assertThat(leftovers.find()).isEmpty();
    assertThat(daemon.stop()).isIn(0, 143);
  }

  @Test
  void randomKillsUnderAChurnOfPodsLoseNothing() throws IOException, InterruptedException {
    long seed = Long.getLong("molo.test.seed", System.nanoTime());
    int kills = Integer.getInteger("molo.test.kills", 10);
    System.out.printf("random kills: seed %d, %d kills%n", seed, kills);
    Random random = new Random(seed);
    daemon.start();
    PodScenario steady = new PodScenario("steady", folder.resolve("logs"), "wait");
    steady.up().forEach(call -> call.accept(daemon.cri()));
    for (int i = 0; i < kills; i++) {
      churnUntilKilled(random);
      daemon.start();
      assertThat(steady.containerState(daemon.cri())).isEqualTo(ContainerState.CONTAINER_RUNNING);
    }
    finishChurned();
    steady.down().forEach(call -> call.accept(daemon.cri()));
    assertThat(leftovers.find()).isEmpty();
    daemon.stop();
  }

  @Test
  void killedSupervisorEndsItsPodAndNoOther() throws IOException, InterruptedException {
    daemon.start();
    PodScenario victim = new PodScenario("victim", folder.resolve("logs"), "stay");
    PodScenario other = new PodScenario("other", folder.resolve("logs"), "wait");
    victim.up().forEach(call -> call.accept(daemon.cri()));
    other.up().forEach(call -> call.accept(daemon.cri()));
    for (long pid : supervisors(victim)) {
      ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    }
    ContainerStatus ended = awaitEnd(victim);
    assertThat(ended.getReason()).isEqualTo("ContainerStatusUnknown");
    assertThat(ended.getExitCode()).isEqualTo(255);
    assertThat(victim.isReady(daemon.cri())).isFalse();
    assertThat(other.isReady(daemon.cri())).isTrue();
    assertThat(other.containerState(daemon.cri())).isEqualTo(ContainerState.CONTAINER_RUNNING);
    victim.down().forEach(call -> call.accept(daemon.cri()));
    other.down().forEach(call -> call.accept(daemon.cri()));
    assertThat(leftovers.find()).isEmpty();
    daemon.stop();
  }

  /** The processes in the leaf of the pod's supervisor. */
  private List<Long> supervisors(PodScenario pod) throws IOException {
    try (Stream<Path> tree = Files.walk(RealKernel.cgroup2(), 4)) {
      Path leaf =
          tree.filter(path -> path.endsWith("supervisor"))
              .filter(path -> path.toString().contains(pod.sandbox()))
              .findFirst()
              .orElseThrow();
      return Files.readAllLines(leaf.resolve("cgroup.procs")).stream().map(Long::valueOf).toList();
    }
  }

  private ContainerStatus awaitEnd(PodScenario pod) throws InterruptedException {
    for (int tries = 0; tries < 200; tries++) {
      ContainerStatus status = pod.containerStatus(daemon.cri());
      if (status.getState() == ContainerState.CONTAINER_EXITED) {
        return status;
      }
      Thread.sleep(25);
    }
    throw new AssertionError("the container of the killed supervisor goes on");
  }

  private record Unfinished(List<Consumer<RuntimeServiceBlockingStub>> calls) {}

  private final List<Unfinished> unfinished = new ArrayList<>();

  private void churnUntilKilled(Random random) throws InterruptedException {
    Thread killer =
        Thread.ofPlatform()
            .start(() -> {
              try {
                Thread.sleep(random.nextInt(400));
                daemon.kill();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    while (daemon.isAlive()) {
      finishChurned();
      PodScenario pod = new PodScenario("churn" + pods++, folder.resolve("logs"), "wait");
      List<Consumer<RuntimeServiceBlockingStub>> left = new ArrayList<>(pod.calls());
      if (!proceed(left)) {
        unfinished.add(new Unfinished(left));
      }
    }
    killer.join();
  }

  /** Makes the calls that are left until one fails because the daemon is gone. */
  private boolean proceed(List<Consumer<RuntimeServiceBlockingStub>> left)
      throws InterruptedException {
    while (!left.isEmpty()) {
      try {
        left.getFirst().accept(daemon.cri());
        left.removeFirst();
      } catch (StatusRuntimeException e) {
        daemon.awaitEnd();
        return false;
      }
    }
    return true;
  }

  private void finishChurned() throws InterruptedException {
    while (!unfinished.isEmpty() && daemon.isAlive()) {
      if (proceed(unfinished.getFirst().calls())) {
        unfinished.removeFirst();
      }
    }
  }
}
