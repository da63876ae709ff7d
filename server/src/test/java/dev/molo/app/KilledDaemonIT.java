package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.Program;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ContainerStatus;
import dev.molo.cri.v1.RuntimeServiceGrpc.RuntimeServiceBlockingStub;
import dev.molo.linux.RealKernel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Ends the daemon of the distribution in every way, at every named step of every lifecycle verb and
 * at random, starts it again, makes the same call again as the kubelet does, and goes on: every
 * call must succeed, nothing may be left, and the world must be as it was for the pods that live
 * through all of it: one that counts into its log, one that waits for input.
 */
@ExtendWith(RealKernel.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KilledDaemonIT {
  private static final Path SOURCES = Path.of("src/main/java/dev/molo/pod");
  private static final Pattern VERB = Pattern.compile("begin\\(\\s*\"(\\w+)\"");
  private static final Pattern STEP = Pattern.compile("verb\\.step\\(\\s*\"([^\"]+)\"");

  /** Steps that come only when a program ignores its stop signal. */
  private static final Set<String> STUBBORN =
      Set.of("StopContainer:kill", "StopContainer:wait for the end", "StopContainer:answer");

  @TempDir private static Path folder;
  private final String instance = "kill-" + ProcessHandle.current().pid();
  private TestDaemon daemon;
  private World world;
  private Set<String> withoutPods;
  private PodScenario counter;
  private PodScenario listener;
  private int pods;

  @BeforeAll
  void bringUpWhatStays() throws IOException, InterruptedException {
    daemon = new TestDaemon(instance, folder);
    world = new World(instance, daemon);
    daemon.importImage(WorkloadImage.make(folder), WorkloadImage.REFERENCE);
    daemon.start();
    withoutPods = world.look();
    counter = up("count");
    listener = up("echo");
    say("before");
  }

  /** After a test that has failed half-way, the next one has a daemon all the same. */
  @BeforeEach
  void haveADaemon() throws IOException, InterruptedException {
    daemon.disarm();
    if (!daemon.isAlive()) {
      daemon.start();
    }
  }

  @AfterAll
  void takeDownWhatStayed() throws IOException, InterruptedException {
    try {
      haveADaemon();
      say("after");
      assertCountedWithoutAGap();
      down(counter);
      down(listener);
      assertThat(world.differences(withoutPods)).isEmpty();
    } finally {
      daemon.close();
      new InstanceCleanup(instance).run();
    }
  }

  /** Into the input of the program that waits for it, by the end that its supervisor keeps. */
  private void say(String word) throws IOException, InterruptedException {
    long program = processes(listener, listener.container()).getFirst();
    String pipe = Files.readSymbolicLink(Path.of("/proc/" + program + "/fd/0")).toString();
    Path end = null;
    try (Stream<Path> held =
        Files.list(Path.of("/proc/" + processes(listener, "supervisor").getFirst() + "/fd"))) {
      for (Path fd : held.toList()) {
        if (target(fd).equals(pipe)) {
          end = fd;
        }
      }
    }
    assertThat(end).as("the supervisor holds the input %s", pipe).isNotNull();
    Files.writeString(end, word + "\n", StandardOpenOption.WRITE);
    awaitLogged(listener, word);
  }

  /** What a descriptor leads to; nothing, when it was closed since it was listed. */
  private static String target(Path fd) {
    try {
      return Files.readSymbolicLink(fd).toString();
    } catch (IOException closed) {
      return "";
    }
  }

  private static void awaitLogged(PodScenario pod, String text) {
    TestNode.until("\"" + text + "\" is logged", () -> texts(pod).contains(text));
  }

  /** What its program has printed, a line each; the kernel may show half a line for a moment. */
  private static List<String> texts(PodScenario pod) throws IOException {
    String log = Files.readString(pod.log());
    return log.substring(0, log.lastIndexOf('\n') + 1)
        .lines()
        .map(line -> line.split(" ", 4)[3])
        .toList();
  }

  private void assertCountedWithoutAGap() throws IOException {
    List<String> counted = texts(counter);
    assertThat(counted.getFirst()).isEqualTo("up");
    for (int i = 1; i < counted.size(); i++) {
      assertThat(counted.get(i)).isEqualTo(Integer.toString(i - 1));
    }
    System.out.printf(
        "the log of the pod that stayed has %d lines, none missing%n", counted.size());
  }

  private PodScenario up(String program) {
    PodScenario pod = new PodScenario("pod" + pods++, folder.resolve("logs"), program);
    pod.up().forEach(call -> call.accept(daemon.cri()));
    pod.awaitUp();
    return pod;
  }

  private void down(PodScenario pod) {
    pod.down().forEach(call -> call.accept(daemon.cri()));
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
  void killedAtAStepThePodGoesOnAndTheWorldIsAsBefore(String step)
      throws IOException, InterruptedException {
    endAtAStep("KILL", step);
  }

  @ParameterizedTest
  @MethodSource("steps")
  void toldToEndAtAStepThePodGoesOnAndTheWorldIsAsBefore(String step)
      throws IOException, InterruptedException {
    endAtAStep("TERM", step);
  }

  private void endAtAStep(String how, String step) throws IOException, InterruptedException {
    Set<String> before = world.look();
    daemon.strike(how, 1, 0, step);
    PodScenario pod =
        new PodScenario(
            "pod" + pods++, folder.resolve("logs"), STUBBORN.contains(step) ? "stay" : "wait");
    boolean ended = false;
    for (Consumer<RuntimeServiceBlockingStub> call : pod.calls()) {
      try {
        call.accept(daemon.cri());
      } catch (StatusRuntimeException e) {
        assertThat(ended).as("a call failed after the restart: %s", e).isFalse();
        assertThat(daemon.isArmed()).as("a call failed before %s: %s", step, e).isFalse();
        ended = true;
        comeBack(how);
        call.accept(daemon.cri());
      }
    }
    assertThat(daemon.isArmed()).as("step %s was not reached", step).isFalse();
    if (!ended) {
      // the last answer was still given
      comeBack(how);
    }
    assertThat(world.differences(before)).isEmpty();
  }

  private void comeBack(String how) throws IOException, InterruptedException {
    assertThat(daemon.awaitEnd()).isEqualTo(how.equals("KILL") ? 137 : 143);
    daemon.start();
  }

  @ParameterizedTest
  @CsvSource({"KILL", "TERM"})
  void exitsWhileTheDaemonIsAwayAreToldAsTheyWere(String how)
      throws IOException, InterruptedException {
    Set<String> before = world.look();
    PodScenario leaves = up("wait");
    PodScenario isKilled = up("stay");
    PodScenario counts = up("count");
    long began = now();
    if (how.equals("KILL")) {
      daemon.kill();
    } else {
      assertThat(daemon.stop()).isEqualTo(143);
    }
    end(leaves, "-USR1");
    end(isKilled, "-KILL");
    end(counts, "-USR1");
    long ended = now();
    daemon.start();
    assertEnded(leaves, 42, began, ended);
    assertEnded(isKilled, 137, began, ended);
    assertEnded(counts, 42, began, ended);
    assertThat(texts(leaves)).containsExactly("up", "bye");
    assertThat(texts(counts)).endsWith("bye");
    assertThat(texts(counts).get(texts(counts).size() - 2))
        .isEqualTo(Integer.toString(texts(counts).size() - 3));
    List.of(leaves, isKilled, counts).forEach(this::down);
    assertThat(world.differences(before)).isEmpty();
  }

  private static long now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  /** Signals the pod's program and waits until the supervisor has written down its end. */
  private void end(PodScenario pod, String signal) throws IOException, InterruptedException {
    long program = processes(pod, pod.container()).getFirst();
    var _ = Program.run("kill", signal, Long.toString(program));
    Path record =
        daemon
            .run()
            .resolve("pods")
            .resolve(pod.sandbox())
            .resolve("exits")
            .resolve(pod.container());
    TestNode.until(record + " is written", () -> Files.exists(record));
  }

  private void assertEnded(PodScenario pod, int code, long notBefore, long notAfter) {
    ContainerStatus status = pod.containerStatus(daemon.cri());
    assertThat(status.getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
    assertThat(status.getExitCode()).isEqualTo(code);
    assertThat(status.getReason()).isEqualTo("Error");
    assertThat(status.getFinishedAt()).isBetween(notBefore, notAfter);
    assertThat(pod.isReady(daemon.cri())).isTrue();
  }

  /** Another build, elsewhere on the disk, whose supervisor has other bytes; and back again. */
  @Test
  void anotherBuildOfTheDaemonTakesThePodsUp() throws IOException, InterruptedException {
    Path other = folder.resolve("other build");
    Program.output("cp", "-a", TestDaemon.DISTRIBUTION.toString(), other.toString());
    Files.writeString(
        other.resolve("native/molo-supervisor"), "another build", StandardOpenOption.APPEND);
    Set<String> before = world.look();
    assertThat(daemon.stop()).isEqualTo(143);
    daemon.install(other);
    daemon.start();
    assertThat(world.differences(before)).isEmpty();
    say("to another build");
    PodScenario pod = up("wait");
    Set<String> with = world.look();
    daemon.kill();
    daemon.install(TestDaemon.DISTRIBUTION);
    daemon.start();
    assertThat(world.differences(with)).isEmpty();
    down(pod);
    assertThat(world.differences(before)).isEmpty();
  }

  @Test
  void tornAndForeignRecordsAreSetAsideByName() throws IOException, InterruptedException {
    Set<String> before = world.look();
    PodScenario torn = up("wait");
    PodScenario foreign = up("wait");
    PodScenario lostContainer = up("wait");
    daemon.kill();
    Path all = daemon.root().resolve("pods");
    Path tornRecord = all.resolve(torn.sandbox()).resolve("pod.rec");
    byte[] whole = Files.readAllBytes(tornRecord);
    Files.write(tornRecord, java.util.Arrays.copyOf(whole, whole.length / 2));
    Files.write(all.resolve(foreign.sandbox()).resolve("pod.rec"), whole);
    Files.writeString(
        all.resolve(lostContainer.sandbox())
            .resolve("containers")
            .resolve(lostContainer.container())
            .resolve("container.rec"),
        "not a record");
    Files.writeString(
        Files.createDirectory(all.resolve("no-pod-at-all")).resolve("note"), "somebody's");
    long said = Files.size(daemon.log());
    daemon.start();

    String log = daemon.saidSince(said);
    for (String name :
        List.of(torn.sandbox(), foreign.sandbox(), lostContainer.container(), "no-pod-at-all")) {
      assertThat(log).containsPattern("set aside \\S*" + name + " as \\S*quarantine/" + name);
    }
    assertThat(lostContainer.isReady(daemon.cri())).isTrue();
    assertThat(counter.containerState(daemon.cri())).isEqualTo(ContainerState.CONTAINER_RUNNING);
    // never deleted while something lives in them: that is for a person to do
    assertThat(log)
        .contains("cgroup of pod " + torn.sandbox())
        .contains("cgroup of pod " + foreign.sandbox());
    for (PodScenario stranger : List.of(torn, foreign)) {
      assertThat(processes(stranger, stranger.container())).hasSize(1);
      for (String name : List.of("supervisor", stranger.container())) {
        Path leaf = leaf(stranger, name);
        Files.writeString(leaf.resolve("cgroup.kill"), "1");
        TestNode.until(
            "nobody lives in " + leaf,
            () -> Files.readString(leaf.resolve("cgroup.events")).contains("populated 0"));
      }
    }
    down(lostContainer);
    delete(daemon.root().resolve("quarantine"));
    daemon.kill();
    daemon.start();
    assertThat(world.differences(before)).isEmpty();
  }

  private static void delete(Path content) throws IOException {
    try (Stream<Path> below = Files.walk(content)) {
      for (Path path : below.sorted(Collections.reverseOrder()).toList()) {
        if (!path.equals(content)) {
          Files.delete(path);
        }
      }
    }
  }

  @Test
  void killedSupervisorEndsItsPodAndNoOther() throws IOException, InterruptedException {
    Set<String> before = world.look();
    PodScenario victim = up("stay");
    long program = processes(victim, victim.container()).getFirst();
    for (long pid : processes(victim, "supervisor")) {
      ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    }
    ContainerStatus ended = awaitEnd(victim);
    assertThat(ended.getReason()).isEqualTo("ContainerStatusUnknown");
    assertThat(ended.getExitCode()).isEqualTo(255);
    assertThat(lives(program)).isFalse();
    // the books of the containers are closed before the pod's
    TestNode.until("the pod is not ready", () -> !victim.isReady(daemon.cri()));
    down(victim);
    assertThat(world.differences(before)).isEmpty();
  }

  /** A zombie, which waits for a parent to reap it, does not. */
  private static boolean lives(long pid) {
    try {
      return !Files.readString(Path.of("/proc/" + pid + "/status")).contains("State:\tZ");
    } catch (IOException gone) {
      return false;
    }
  }

  private Path leaf(PodScenario pod, String name) {
    return RealKernel.cgroup2()
        .resolve("molo-" + instance)
        .resolve("molo-" + instance + "-" + pod.sandbox())
        .resolve(name);
  }

  /** The processes in a leaf of the pod's cgroup: "supervisor", or a container's id. */
  private List<Long> processes(PodScenario pod, String leaf) throws IOException {
    return Files.readAllLines(leaf(pod, leaf).resolve("cgroup.procs")).stream()
        .map(Long::valueOf)
        .toList();
  }

  private ContainerStatus awaitEnd(PodScenario pod) {
    TestNode.until(
        "the container of the killed supervisor ends",
        () -> pod.containerState(daemon.cri()) == ContainerState.CONTAINER_EXITED);
    return pod.containerStatus(daemon.cri());
  }

  /**
   * Half of the kills come after a random time, half at a random step or a random moment after it;
   * the steps are drawn without putting back, so that enough kills hit each.
   */
  @Test
  @Timeout(value = 1, unit = TimeUnit.HOURS)
  void randomKillsUnderAChurnOfPodsLoseNothing() throws IOException, InterruptedException {
    long seed = Long.getLong("molo.test.seed", System.nanoTime());
    int kills = Integer.getInteger("molo.test.kills", 12);
    System.out.printf("random kills: seed %d, %d kills%n", seed, kills);
    Random random = new Random(seed);
    List<String> deck = new ArrayList<>();
    TreeMap<String, Integer> hit = new TreeMap<>();
    steps().forEach(step -> hit.put(step, 0));
    Set<String> before = world.look();
    Churn churn = new Churn(daemon, folder.resolve("logs"));
    churn.begin(4);
    try {
      for (int i = 0; i < kills; i++) {
        if (i % 2 == 0) {
          Thread.sleep(random.nextInt(500));
          daemon.kill();
          hit.merge(daemon.stepsReached().getLast(), 1, Integer::sum);
        } else {
          if (deck.isEmpty()) {
            deck.addAll(steps());
            Collections.shuffle(deck, random);
          }
          String step = deck.removeLast();
          // the first time round right at the step
          int later = i < 2 * steps().size() ? 0 : 500 * random.nextInt(4);
          daemon.strike("KILL", 1 + random.nextInt(3), later, step);
          assertThat(daemon.awaitEnd()).isEqualTo(137);
          hit.merge(step, 1, Integer::sum);
        }
        daemon.start();
        churn.assertNothingLost();
        assertThat(counter.containerState(daemon.cri()))
            .isEqualTo(ContainerState.CONTAINER_RUNNING);
      }
    } finally {
      System.out.println("kills by the step they hit:");
      hit.forEach((step, times) -> System.out.printf("%5d  %s%n", times, step));
    }
    System.out.printf("%d pods lived and went meanwhile%n", churn.end());
    assertThat(world.differences(before)).isEmpty();
    assertCountedWithoutAGap();
    if (kills >= 2 * steps().size()) {
      assertThat(hit).doesNotContainValue(0);
    }
  }
}
