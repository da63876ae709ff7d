package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ReopenContainerLogRequest;
import dev.molo.linux.RealKernel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Container logs as a kubelet finds them, through a real daemon. */
@ExtendWith(RealKernel.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContainerLogIT {
  private static final String LINE =
      "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z (stdout|stderr) [FP] .*";

  @TempDir private static Path folder;
  private TestNode node;

  @BeforeAll
  void start() throws IOException, InterruptedException {
    node = new TestNode("logs", folder);
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

  private void reopen(String container) {
    var _ =
        node.cri()
            .reopenContainerLog(
                ReopenContainerLogRequest.newBuilder().setContainerId(container).build());
  }

  private static void assertRefused(
      Status.Code code, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).as(e.getMessage()).isEqualTo(code));
  }

  @Test
  void linesAreWholeOrMarkedAsParts() throws IOException {
    String pod = node.pod("lines");
    String container = node.run(pod, node.containerConfig("main", "say", "x".repeat(20_000)));
    node.awaitExit(container);

    List<String> lines = Files.readAllLines(node.logs().resolve("lines/main.log"));
    assertThat(lines).hasSize(2).allMatch(line -> line.matches(LINE));
    assertThat(lines.get(0)).contains(" stdout P ");
    assertThat(lines.get(0).substring(lines.get(0).indexOf('x'))).hasSize(16 << 10);
    assertThat(lines.get(1)).contains(" stdout F ").endsWith("x".repeat(20_000 - (16 << 10)));
  }

  @Test
  void allThatWasPrintedIsThereOnceTheExitIsTold() throws IOException {
    String pod = node.pod("drained");
    String container = node.run(pod, node.containerConfig("main", "flood", "50000", "0"));
    node.awaitExit(container);

    assertThat(Files.readAllLines(node.logs().resolve("drained/main.log"))).hasSize(50_000);
  }

  @Test
  void nothingIsLostWhenTheFileIsChangedAndTheDaemonAway() throws Exception {
    String pod = node.pod("away");
    Path log = node.logs().resolve("away/main.log");
    Path old = node.logs().resolve("away/main.log.1");
    // a millisecond of rest after every second line, and no end by itself
    String container = node.run(pod, node.containerConfig("main", "flood", "1000000000", "2"));
    TestNode.until("it logs", () -> Files.size(log) > 0);
    Files.move(log, old);
    reopen(container);
    node.daemon().kill();
    long before = Files.size(log);
    node.daemon().start();
    TestNode.until("it has logged meanwhile", () -> Files.size(log) > before);
    node.stop(container, 60);
    node.awaitExit(container);

    List<Integer> numbers = numbers(old, log);
    assertThat(numbers).isEqualTo(IntStream.range(0, numbers.size()).boxed().toList());
  }

  private static List<Integer> numbers(Path... files) {
    return java.util.Arrays.stream(files)
        .flatMap(file -> TestNode.read(file).lines())
        .map(line -> line.replaceFirst(".* line (\\d{9}) .*", "$1"))
        .map(Integer::valueOf)
        .toList();
  }

  @Test
  void reopenOfAContainerThatDoesNotRunFailsAndMakesNothing() throws IOException {
    String pod = node.pod("reopen");
    String created = node.create(pod, node.containerConfig("created", "exit", "0"));
    String ended = node.run(pod, node.containerConfig("ended", "exit", "0"));
    node.awaitExit(ended);
    Files.delete(node.logs().resolve("reopen/ended.log"));

    assertRefused(Status.Code.FAILED_PRECONDITION, () -> reopen(created));
    assertRefused(Status.Code.FAILED_PRECONDITION, () -> reopen(ended));
    assertRefused(Status.Code.NOT_FOUND, () -> reopen("e".repeat(64)));

    assertThat(node.logs().resolve("reopen")).isEmptyDirectory();
  }

  @Test
  void anEmptyPathMeansNoLog() {
    String pod = node.pod("none");
    String container =
        node.run(pod, node.containerConfig("main", "flood", "20000", "0").setLogPath(""));

    assertThat(node.awaitExit(container).getExitCode()).isZero();
    assertThat(node.status(container).getLogPath()).isEmpty();
    assertThat(node.logs().resolve("none")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"../main.log", "/main.log", "sub/../../main.log", "a\nb", "a\0b"})
  void aPathThatLeavesTheDirectoryIsRefused(String path) {
    String pod = node.pod("dots");
    ContainerConfig.Builder config = node.containerConfig("main", "exit", "0").setLogPath(path);

    assertRefused(Status.Code.INVALID_ARGUMENT, () -> node.create(pod, config));
  }

  @Test
  void aLinkInTheWayIsNotFollowed() throws IOException {
    Path secret = Files.writeString(folder.resolve("secret"), "as it was");
    Path logs = Files.createDirectories(node.logs().resolve("link"));
    Files.createSymbolicLink(logs.resolve("main.log"), secret);
    Files.createSymbolicLink(logs.resolve("sub"), folder);
    String pod = node.pod("link");
    String file = node.create(pod, node.containerConfig("main", "exit", "0"));
    String way =
        node.create(pod, node.containerConfig("way", "exit", "0").setLogPath("sub/way.log"));

    assertRefused(Status.Code.INVALID_ARGUMENT, () -> node.start(file));
    assertRefused(Status.Code.INVALID_ARGUMENT, () -> node.start(way));

    assertThat(secret).hasContent("as it was");
    assertThat(folder.resolve("way.log")).doesNotExist();
    assertThat(node.status(file).getReason()).isEqualTo("StartError");
  }

  @Test
  void aPipeInTheWayIsNotWaitedFor() throws Exception {
    Path logs = Files.createDirectories(node.logs().resolve("pipe"));
    Process mkfifo = new ProcessBuilder("mkfifo", logs.resolve("main.log").toString()).start();
    assertThat(mkfifo.waitFor(60, TimeUnit.SECONDS)).isTrue();
    String pod = node.pod("pipe");
    String container = node.create(pod, node.containerConfig("main", "exit", "0"));

    assertRefused(Status.Code.INVALID_ARGUMENT, () -> node.start(container));

    assertThat(node.status(container).getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
  }
}
