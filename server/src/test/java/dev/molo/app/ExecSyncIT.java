package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ExecSyncRequest;
import dev.molo.cri.v1.ExecSyncResponse;
import dev.molo.linux.RealKernel;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** ExecSync as a client sees it, through a real daemon with its small heap. */
@ExtendWith(RealKernel.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExecSyncIT {
  private static final int MIB = 1 << 20;
  private static final int ENDS = 8;

  @TempDir private static Path folder;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private TestNode node;
  private String pod;
  private String container;

  @BeforeAll
  void start() throws IOException, InterruptedException {
    node = new TestNode("exec", folder);
    node.daemon().start();
  }

  private void run(String name) {
    pod = node.pod(name);
    container = node.sleeper(pod, "main", config -> config);
  }

  @AfterEach
  void clear() {
    node.clear();
  }

  @AfterAll
  void end() throws IOException, InterruptedException {
    threads.close();
    node.end();
  }

  /** Processes of this program that run in the container's cgroup or below it. */
  private long running(String argument) throws IOException {
    try (Stream<Path> leaves = Files.walk(node.cgroup(pod, container))) {
      return leaves
          .filter(path -> path.endsWith("cgroup.procs"))
          .flatMap(procs -> present(procs).lines())
          .filter(pid -> present(Path.of("/proc", pid, "cmdline")).contains(argument))
          .count();
    } catch (UncheckedIOException e) {
      // a leaf went while it was listed: another look tells
      return running(argument);
    }
  }

  /** What the kernel says in a file; nothing, when what it is about has just ended. */
  private static String present(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return "";
    }
  }

  private ExecSyncRequest request(long timeout, String... command) {
    return ExecSyncRequest.newBuilder()
        .setContainerId(container)
        .addAllCmd(List.of(command))
        .setTimeout(timeout)
        .build();
  }

  @Test
  void streamsAreKeptApartAndBinary() throws IOException {
    run("streams");

    ExecSyncResponse program = node.exec(container, "/bin/probe", "cat", "/bin/probe");
    ExecSyncResponse failure = node.exec(container, "/bin/probe", "cat", "/nowhere");

    assertThat(program.getStdout().toByteArray())
        .isEqualTo(Files.readAllBytes(node.proc(container, "root/bin/probe")));
    assertThat(program.getStderr().isEmpty()).isTrue();
    assertThat(failure.getStdout().isEmpty()).isTrue();
    assertThat(failure.getStderr().toStringUtf8())
        .isEqualTo("/nowhere: No such file or directory\n");
    assertThat(failure.getExitCode()).isEqualTo(1);
  }

  @Test
  void programThatIsMissingIsTold() {
    run("missing");

    assertThatThrownBy(() -> node.exec(container, "/bin/no-such-program"))
        .hasMessageContaining("/bin/no-such-program");
  }

  @Test
  void childThatStaysBehindDelaysTheAnswerByTheDrainOnlyAndLives() throws IOException {
    run("behind");

    // exec.drain is one second; the child sleeps for a thousand, longer than a call may take
    ExecSyncResponse answer = node.exec(container, "/bin/probe", "stray");

    assertThat(answer.getExitCode()).isEqualTo(3);
    assertThat(answer.getStdout().toStringUtf8()).contains("left a child behind");
    assertThat(running("stray")).isEqualTo(1);
  }

  @Test
  void timeoutKillsTheWholeTree() throws IOException {
    run("late");

    assertThatThrownBy(() -> node.cri().execSync(request(1, "/bin/probe", "family")))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED))
        .hasMessageContaining("within 1 s");

    TestNode.until("the tree is dead", () -> running("family") == 0);
    assertThat(node.status(container).getState()).isEqualTo(ContainerState.CONTAINER_RUNNING);
  }

  /** Reaped, that is: a process on its way out would still be listed in the container. */
  @Test
  void programThatRanTooLongIsGoneWhenThatIsTold() {
    run("reaped");
    Pattern process = Pattern.compile("process ([0-9]+) was ");

    for (int round = 0; round < 5; round++) {
      assertThatThrownBy(() -> node.cri().execSync(request(1, "/bin/probe", "family")))
          .satisfies(e -> {
            Matcher told = process.matcher(e.getMessage());
            assertThat(told.find()).as(e.getMessage()).isTrue();
            assertThat(Path.of("/proc", told.group(1))).doesNotExist();
          });
    }
  }

  @Test
  void clientThatHangsUpLeavesNothingRunning() throws Exception {
    run("gone");
    CancellableContext call = Context.current().withCancellation();
    Future<?> exec =
        threads.submit(
            call.wrap(() -> {
              var _ = node.cri().execSync(request(0, "/bin/probe", "family"));
            }));
    TestNode.until("the tree lives", () -> running("family") == 4);

    call.cancel(null);

    assertThatThrownBy(() -> exec.get(60, TimeUnit.SECONDS)).hasMessageContaining("CANCELLED");
    TestNode.until("the tree is dead", () -> running("family") == 0);
    assertThat(node.status(container).getState()).isEqualTo(ContainerState.CONTAINER_RUNNING);
  }

  /** An exec under way whose tree of processes lives. */
  private Future<ExecSyncResponse> family() {
    Future<ExecSyncResponse> exec =
        threads.submit(() -> node.cri().execSync(request(0, "/bin/probe", "family")));
    TestNode.until("the tree lives", () -> running("family") == 4);
    return exec;
  }

  @Test
  void stopOfTheContainerEndsItsExecs() throws Exception {
    run("stopped");
    Future<ExecSyncResponse> exec = family();

    node.stop(container, 0);

    assertThat(exec.get(60, TimeUnit.SECONDS).getExitCode()).isEqualTo(137);
  }

  @Test
  void execsThatMeetTheEndOfTheirContainerAreToldSo() throws Exception {
    run("met");
    Set<Status.Code> told = ConcurrentHashMap.newKeySet();
    for (int round = 0; round < ENDS; round++) {
      List<Future<?>> probing = new ArrayList<>();
      for (int each = 0; each < 4; each++) {
        probing.add(threads.submit(() -> probeUntilItEnds(told)));
      }
      TestNode.until("a probe has run", () -> told.contains(Status.Code.OK));
      node.stop(container, 0);
      for (Future<?> probe : probing) {
        probe.get(60, TimeUnit.SECONDS);
      }
      container = node.sleeper(pod, "again" + round, config -> config);
    }
    assertThat(told).containsExactlyInAnyOrder(Status.Code.OK, Status.Code.FAILED_PRECONDITION);
  }

  private void probeUntilItEnds(Set<Status.Code> told) {
    ExecSyncRequest probe = request(0, "/bin/probe", "cat", "/proc/self/stat");
    while (true) {
      try {
        int code = node.cri().execSync(probe).getExitCode();
        told.add(Status.Code.OK);
        if (code != 0) {
          assertThat(code).as("by SIGKILL, with its container").isEqualTo(137);
        }
      } catch (StatusRuntimeException e) {
        told.add(e.getStatus().getCode());
        return;
      }
    }
  }

  @Test
  void execEndsWithItsSupervisor() throws Exception {
    run("orphan");
    Future<ExecSyncResponse> exec = family();
    String supervisor =
        Files.readAllLines(node.cgroup(pod, "supervisor").resolve("cgroup.procs")).getFirst();

    ProcessHandle.of(Long.parseLong(supervisor)).orElseThrow().destroyForcibly();

    assertThatThrownBy(() -> exec.get(60, TimeUnit.SECONDS))
        .hasMessageContaining("UNAVAILABLE")
        .hasMessageContaining("supervisor");
  }

  @Test
  void sixtyFourAtOnceWithSixteenMegabytesEach() throws Exception {
    run("flood");
    List<Future<Integer>> answers = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      answers.add(
          threads.submit(() -> {
            // 69 bytes a line: more than 16 MiB
            ExecSyncResponse answer =
                node.cri()
                    .withMaxInboundMessageSize(16 * MIB)
                    .withDeadlineAfter(600, TimeUnit.SECONDS)
                    .execSync(request(0, "/bin/probe", "flood", "250000", "0"));
            assertThat(answer.getExitCode()).isZero();
            return answer.getStdout().size();
          }));
    }

    for (Future<Integer> answer : answers) {
      // the whole message stays below the 16 MiB that a kubelet takes
      assertThat(answer.get(660, TimeUnit.SECONDS)).isBetween(15 * MIB, 16 * MIB);
    }
    assertThat(node.said(container, "say", "well")).isEqualTo("well\n");
    assertThat(Files.readString(node.daemon().log())).doesNotContain("OutOfMemory");
  }
}
