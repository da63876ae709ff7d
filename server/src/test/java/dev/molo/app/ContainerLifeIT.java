package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.cri.v1.Container;
import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.ContainerFilter;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ContainerStateValue;
import dev.molo.cri.v1.ContainerStatsFilter;
import dev.molo.cri.v1.ContainerStatus;
import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ImageFilter;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.LinuxContainerConfig;
import dev.molo.cri.v1.LinuxContainerResources;
import dev.molo.cri.v1.LinuxContainerSecurityContext;
import dev.molo.cri.v1.ListPodSandboxRequest;
import dev.molo.cri.v1.NamespaceMode;
import dev.molo.cri.v1.NamespaceOption;
import dev.molo.cri.v1.PodSandbox;
import dev.molo.cri.v1.PodSandboxConfig;
import dev.molo.cri.v1.PodSandboxFilter;
import dev.molo.cri.v1.PodSandboxState;
import dev.molo.cri.v1.PodSandboxStateValue;
import dev.molo.cri.v1.PodSandboxStatusRequest;
import dev.molo.cri.v1.RemoveContainerRequest;
import dev.molo.cri.v1.RemovePodSandboxRequest;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.cri.v1.Signal;
import dev.molo.cri.v1.StopPodSandboxRequest;
import dev.molo.cri.v1.StreamContainerStatsRequest;
import dev.molo.cri.v1.StreamContainersRequest;
import dev.molo.cri.v1.StreamImagesRequest;
import dev.molo.cri.v1.StreamPodSandboxesRequest;
import dev.molo.cri.v1.UpdateContainerResourcesRequest;
import dev.molo.linux.RealKernel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What CRI promises of the verbs of pods and containers, through a real daemon. */
@ExtendWith(RealKernel.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContainerLifeIT {
  @TempDir private static Path folder;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private TestNode node;

  @BeforeAll
  void start() throws IOException, InterruptedException {
    node = new TestNode("life", folder);
    node.daemon().start();
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

  private static UnaryOperator<ContainerConfig.Builder> pid(NamespaceOption namespaces) {
    return config ->
        config.setLinux(
            LinuxContainerConfig.newBuilder()
                .setSecurityContext(
                    LinuxContainerSecurityContext.newBuilder().setNamespaceOptions(namespaces)));
  }

  private static NamespaceOption mode(NamespaceMode mode) {
    return NamespaceOption.newBuilder().setPid(mode).build();
  }

  /** As pid 1 of its own namespace it takes no signal that it has no handler for. */
  private String deaf(String pod, String name) {
    return node.sleeper(pod, name, pid(mode(NamespaceMode.CONTAINER)));
  }

  private static Status.Code code(Runnable call) {
    try {
      call.run();
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  // ---- root ----

  /** Row 16 of the complaints: it is mounted once and never synced. */
  @Test
  void row16RootOfAContainerIsVolatile() {
    String pod = node.pod("volatile");
    String container = deaf(pod, "deaf");
    Path folder = node.daemon().root().resolve("pods").resolve(pod).resolve("containers");
    assertThat(folder.resolve(container).resolve("work/work/incompat/volatile")).isDirectory();
  }

  // ---- stop ----

  @Test
  void secondStopWithAShorterGraceShortensTheFirst() throws Exception {
    String container = deaf(node.pod("grace"), "deaf");
    Future<?> patient = threads.submit(() -> node.stop(container, 1000));
    // the signal of the first one has arrived before the second one begins
    TestNode.until(
        "the first stop waits", () -> !slowStages("StopContainer").isEmpty() || patient.isDone());

    node.stop(container, 1);

    patient.get(60, TimeUnit.SECONDS);
    assertThat(node.status(container).getExitCode()).isEqualTo(137);
  }

  /** What Status says is slow. */
  private String slowStages(String verb) {
    String stages =
        node.cri()
            .status(dev.molo.cri.v1.StatusRequest.newBuilder().setVerbose(true).build())
            .getInfoOrThrow("slowStages");
    return stages.contains(verb) ? stages : "";
  }

  @Test
  void zeroGraceKillsAtOnceAndAStopOfTheStoppedSucceeds() {
    String container = deaf(node.pod("zero"), "deaf");

    node.stop(container, 0);

    ContainerStatus status = node.status(container);
    assertThat(status.getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
    assertThat(status.getExitCode()).isEqualTo(137);
    assertThat(status.getReason()).isEqualTo("Error");
    assertThat(status.getMessage()).isEqualTo("ended by signal 9");
    node.stop(container, 0);
    node.stop(container, -5);
  }

  @Test
  void theRequestsStopSignalIsSent() {
    String pod = node.pod("signal");
    String container =
        node.sleeper(pod, "main", config -> config.setStopSignal(Signal.SIGNAL_SIGUSR1));

    node.stop(container, 60);

    assertThat(node.status(container).getExitCode()).isEqualTo(128 + 10);
    assertThat(node.status(container).getStopSignal()).isEqualTo(Signal.SIGNAL_SIGUSR1);
  }

  /** The kernel drops a signal that process 1 of a namespace does not handle yet. */
  @Test
  void aStopRightAfterTheStartReachesAProgramThatHasYetToAskForItsSignal() {
    String container =
        node.run(
            node.pod("young"),
            pid(mode(NamespaceMode.CONTAINER))
                .apply(node.containerConfig("late", "heed", "300000")));

    node.stop(container, 60);

    assertThat(node.status(container).getExitCode()).isEqualTo(7);
  }

  @Test
  void stopAndRemoveOfWhatIsGoneSucceedAndAnEmptyIdIsRefused() {
    String unknown = "f".repeat(64);
    node.stop(unknown, 1);
    var removeContainer = RemoveContainerRequest.newBuilder();
    var stopPod = StopPodSandboxRequest.newBuilder();
    var removePod = RemovePodSandboxRequest.newBuilder();
    node.cri().removeContainer(removeContainer.setContainerId(unknown).build());
    node.cri().stopPodSandbox(stopPod.setPodSandboxId(unknown).build());
    node.cri().removePodSandbox(removePod.setPodSandboxId(unknown).build());

    assertThat(code(() -> node.stop("", 1))).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(code(() -> node.cri().removePodSandbox(removePod.setPodSandboxId("").build())))
        .isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(code(() -> node.status(unknown))).isEqualTo(Status.Code.NOT_FOUND);
    assertThat(code(() -> node.start(unknown))).isEqualTo(Status.Code.NOT_FOUND);
  }

  @Test
  void anIdsBeginningWillDo() {
    String pod = node.pod("prefix");
    String container = deaf(pod, "main");

    assertThat(node.status(container.substring(0, 12)).getId()).isEqualTo(container);
    node.stop(container.substring(0, 13), 0);

    assertThat(node.status(container).getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
  }

  @Test
  void stopOfASandboxStopsItsContainersAndRemovalTakesThemAlong() {
    String pod = node.pod("whole");
    String running = deaf(pod, "running");
    String created = node.create(pod, node.containerConfig("created", "exit", "0"));
    long pid = node.pid(running);

    node.cri().stopPodSandbox(StopPodSandboxRequest.newBuilder().setPodSandboxId(pod).build());

    assertThat(Path.of("/proc", Long.toString(pid))).doesNotExist();
    assertThat(node.status(running).getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
    assertThat(node.status(created).getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
    assertThat(
            node.cri()
                .podSandboxStatus(PodSandboxStatusRequest.newBuilder().setPodSandboxId(pod).build())
                .getStatus()
                .getState())
        .isEqualTo(PodSandboxState.SANDBOX_NOTREADY);
    assertThat(code(() -> node.create(pod, node.containerConfig("late", "exit", "0"))))
        .isEqualTo(Status.Code.FAILED_PRECONDITION);

    node.cri().removePodSandbox(RemovePodSandboxRequest.newBuilder().setPodSandboxId(pod).build());

    assertThat(code(() -> node.status(running))).isEqualTo(Status.Code.NOT_FOUND);
  }

  @Test
  void removalOfARunningContainerKillsItAndItsLogStays() throws IOException {
    String pod = node.pod("removal");
    String container = node.run(pod, node.containerConfig("main", "family"));
    long pid = node.pid(container);
    Path log = Path.of(node.status(container).getLogPath());
    TestNode.until("it has logged", () -> Files.size(log) > 0);

    node.cri()
        .removeContainer(RemoveContainerRequest.newBuilder().setContainerId(container).build());

    assertThat(Path.of("/proc", Long.toString(pid))).doesNotExist();
    assertThat(node.cgroup(pod, container)).doesNotExist();
    assertThat(code(() -> node.status(container))).isEqualTo(Status.Code.NOT_FOUND);
    assertThat(Files.readString(log)).contains("a family of four");
  }

  // ---- ends ----

  @Test
  void endsAreToldWithCodeReasonAndTimes() {
    String pod = node.pod("ends");
    String well = node.run(pod, node.containerConfig("well", "exit", "0"));
    String ill = node.run(pod, node.containerConfig("ill", "exit", "3"));

    ContainerStatus status = node.awaitExit(well);
    assertThat(status.getExitCode()).isZero();
    assertThat(status.getReason()).isEqualTo("Completed");
    assertThat(status.getCreatedAt()).isGreaterThan(1_500_000_000_000_000_000L);
    assertThat(status.getStartedAt()).isGreaterThan(status.getCreatedAt());
    assertThat(status.getFinishedAt()).isGreaterThanOrEqualTo(status.getStartedAt());
    assertThat(node.awaitExit(ill).getExitCode()).isEqualTo(3);
    assertThat(node.status(ill).getReason()).isEqualTo("Error");
    assertThat(code(() -> node.start(ill))).isEqualTo(Status.Code.FAILED_PRECONDITION);
  }

  @Test
  void missingProgramIsAStartError() {
    String pod = node.pod("missing");
    String container =
        node.create(pod, node.containerConfig("main").addCommand("/bin/no-such-program"));

    assertThatThrownBy(() -> node.start(container)).hasMessageContaining("/bin/no-such-program");

    ContainerStatus status = node.status(container);
    assertThat(status.getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
    assertThat(status.getExitCode()).isEqualTo(128);
    assertThat(status.getReason()).isEqualTo("StartError");
    assertThat(status.getMessage()).contains("/bin/no-such-program").contains("ENOENT");
    assertThat(status.getFinishedAt()).isPositive();
    assertThat(node.cgroup(pod, container)).doesNotExist();
  }

  @ParameterizedTest
  @EnumSource(names = "UNRECOGNIZED", mode = EnumSource.Mode.EXCLUDE)
  void whateverElseRunsInItsCgroupEndsWithItsFirstProcess(NamespaceMode mode) throws IOException {
    String pod =
        node.pod(
            node.podConfig("stray")
                .setLinux(
                    dev.molo.cri.v1.LinuxPodSandboxConfig.newBuilder()
                        .setSecurityContext(
                            dev.molo.cri.v1.LinuxSandboxSecurityContext.newBuilder()
                                .setNamespaceOptions(
                                    mode(
                                        mode == NamespaceMode.TARGET
                                            ? NamespaceMode.CONTAINER
                                            : mode)))));
    String other =
        node.sleeper(
            pod, "other", pid(mode(mode == NamespaceMode.TARGET ? NamespaceMode.CONTAINER : mode)));
    NamespaceOption namespaces =
        mode == NamespaceMode.TARGET
            ? NamespaceOption.newBuilder().setPid(mode).setTargetId(other).build()
            : mode(mode);
    // its cgroup's folder goes with it, so what lives is looked for by its parent's pid namespace
    Set<String> before = processes();
    String container = node.run(pod, pid(namespaces).apply(node.containerConfig("stray", "stray")));

    assertThat(node.awaitExit(container).getExitCode()).isEqualTo(3);

    // all of it was killed before the end was told, and is gone a moment later
    TestNode.until("its cgroup is gone", () -> !Files.exists(node.cgroup(pod, container)));
    Set<String> left = processes();
    left.removeAll(before);
    assertThat(left).isEmpty();
    assertThat(node.status(other).getState()).isEqualTo(ContainerState.CONTAINER_RUNNING);
  }

  /** Every probe that runs: pids. */
  private static Set<String> processes() throws IOException {
    Set<String> found = new HashSet<>();
    try (Stream<Path> all = Files.list(Path.of("/proc"))) {
      for (Path process : all.filter(p -> p.getFileName().toString().matches("[0-9]+")).toList()) {
        try {
          if (Files.readString(process.resolve("cmdline")).startsWith("/bin/probe\0stray")) {
            found.add(process.toString());
          }
        } catch (IOException gone) {
          // between the listing and the reading
        }
      }
    }
    return found;
  }

  // ---- names and retries ----

  @Test
  void theSameRequestManyTimesAtOnceMakesOnePodAndOneContainer() throws Exception {
    PodSandboxConfig.Builder config = node.podConfig("joined");
    Set<String> pods = all(8, () -> node.pod(config));
    assertThat(pods).hasSize(1);
    String pod = pods.iterator().next();

    Set<String> containers =
        all(8, () -> node.create(pod, node.containerConfig("main", "sleep", "1000")));
    assertThat(containers).hasSize(1);
    assertThat(
            all(
                8,
                () -> {
                  node.start(containers.iterator().next());
                  return "started";
                }))
        .hasSize(1);
  }

  private Set<String> all(int times, java.util.concurrent.Callable<String> call)
      throws ExecutionException, InterruptedException, java.util.concurrent.TimeoutException {
    List<Future<String>> answers = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      answers.add(threads.submit(call));
    }
    Set<String> results = new HashSet<>();
    for (Future<String> answer : answers) {
      results.add(answer.get(120, TimeUnit.SECONDS));
    }
    return results;
  }

  @Test
  void theKubeletsRetryAfterATimeOutGetsThePodThatWasBeingMade() {
    PodSandboxConfig.Builder config = node.podConfig("impatient");
    RunPodSandboxRequest request = RunPodSandboxRequest.newBuilder().setConfig(config).build();
    assertThat(
            code(() ->
                node.cri().withDeadlineAfter(1, TimeUnit.MILLISECONDS).runPodSandbox(request)))
        .isEqualTo(Status.Code.DEADLINE_EXCEEDED);

    String pod = node.pod(config);

    assertThat(node.cri().listPodSandbox(ListPodSandboxRequest.getDefaultInstance()).getItemsList())
        .singleElement()
        .satisfies(item -> assertThat(item.getId()).isEqualTo(pod));
  }

  @Test
  void aFailedCreateLeavesItsNameFree() {
    String pod = node.pod("failed");
    ContainerConfig.Builder config = node.containerConfig("main", "exit", "0");
    ContainerConfig.Builder absent =
        config.clone().setImage(ImageSpec.newBuilder().setImage("example.test/absent:1"));

    assertThat(code(() -> node.create(pod, absent))).isEqualTo(Status.Code.NOT_FOUND);

    assertThat(node.create(pod, config)).isNotEmpty();
  }

  @Test
  void theNextAttemptIsAnotherObjectAndADifferentRequestUnderANameIsRefused() {
    PodSandboxConfig.Builder config = node.podConfig("attempts");
    String pod = node.pod(config);
    assertThatThrownBy(() -> node.pod(config.clone().setHostname("another")))
        .hasMessageContaining("FAILED_PRECONDITION")
        .hasMessageContaining("hostname");
    PodSandboxConfig.Builder next = config.clone();
    next.getMetadataBuilder().setAttempt(1);
    String second = node.pod(next);
    assertThat(second).isNotEqualTo(pod);

    ContainerConfig.Builder container = node.containerConfig("main", "exit", "0");
    String first = node.run(second, container);
    node.awaitExit(first);
    container.getMetadataBuilder().setAttempt(1);
    String again = node.run(second, container);
    assertThat(again).isNotEqualTo(first);
    assertThat(node.awaitExit(again).getMetadata().getAttempt()).isEqualTo(1);
  }

  // ---- lists as streams ----

  @Test
  void streamsTakeTheFiltersOfLists() {
    String first = node.pod(node.podConfig("streamed").putLabels("who", "one"));
    String second = node.pod(node.podConfig("beside").putLabels("who", "two"));
    String runs = node.sleeper(first, "runs", config -> config.putLabels("who", "one"));
    String made = node.create(first, node.containerConfig("made").putLabels("who", "other"));
    String beside = node.sleeper(second, "beside", config -> config);

    assertThat(pods(PodSandboxFilter.newBuilder())).contains(first, second);
    assertThat(pods(PodSandboxFilter.newBuilder().setId(first.substring(0, 12))))
        .containsExactly(first);
    assertThat(pods(PodSandboxFilter.newBuilder().putLabelSelector("who", "two")))
        .containsExactly(second);
    assertThat(
            pods(
                PodSandboxFilter.newBuilder()
                    .setState(
                        PodSandboxStateValue.newBuilder()
                            .setState(PodSandboxState.SANDBOX_NOTREADY))))
        .isEmpty();

    assertThat(containers(ContainerFilter.newBuilder())).contains(runs, made, beside);
    assertThat(containers(ContainerFilter.newBuilder().setId(made))).containsExactly(made);
    assertThat(containers(ContainerFilter.newBuilder().setPodSandboxId(second)))
        .containsExactly(beside);
    assertThat(containers(ContainerFilter.newBuilder().putLabelSelector("who", "one")))
        .containsExactly(runs);
    assertThat(
            containers(
                ContainerFilter.newBuilder()
                    .setState(
                        ContainerStateValue.newBuilder()
                            .setState(ContainerState.CONTAINER_CREATED))))
        .containsExactly(made);

    assertThat(stats(ContainerStatsFilter.newBuilder().setId(runs))).containsExactly(runs);
    assertThat(stats(ContainerStatsFilter.newBuilder().setPodSandboxId(second)))
        .containsExactly(beside);
    assertThat(stats(ContainerStatsFilter.newBuilder().putLabelSelector("who", "one")))
        .containsExactly(runs);

    assertThat(images(ProbeImage.REFERENCE)).hasSize(1);
    assertThat(images("no.such/image:here")).isEmpty();
  }

  private List<String> pods(PodSandboxFilter.Builder filter) {
    return every(
            node.cri()
                .streamPodSandboxes(
                    StreamPodSandboxesRequest.newBuilder().setFilter(filter).build()))
        .flatMap(answer -> answer.getPodSandboxesList().stream())
        .map(PodSandbox::getId)
        .toList();
  }

  private List<String> containers(ContainerFilter.Builder filter) {
    return every(
            node.cri()
                .streamContainers(StreamContainersRequest.newBuilder().setFilter(filter).build()))
        .flatMap(answer -> answer.getContainersList().stream())
        .map(Container::getId)
        .toList();
  }

  private List<String> stats(ContainerStatsFilter.Builder filter) {
    return every(
            node.cri()
                .streamContainerStats(
                    StreamContainerStatsRequest.newBuilder().setFilter(filter).build()))
        .flatMap(answer -> answer.getContainerStatsList().stream())
        .map(one -> one.getAttributes().getId())
        .toList();
  }

  private List<Image> images(String reference) {
    ImageFilter filter =
        ImageFilter.newBuilder().setImage(ImageSpec.newBuilder().setImage(reference)).build();
    return every(
            node.images().streamImages(StreamImagesRequest.newBuilder().setFilter(filter).build()))
        .flatMap(answer -> answer.getImagesList().stream())
        .toList();
  }

  private static <T> Stream<T> every(Iterator<T> answers) {
    Iterable<T> once = () -> answers;
    return StreamSupport.stream(once.spliterator(), false);
  }

  // ---- limits ----

  @Test
  void newLimitsOutliveTheDaemon() throws IOException, InterruptedException {
    String container = deaf(node.pod("limits"), "main");
    LinuxContainerResources.Builder change =
        LinuxContainerResources.newBuilder().setCpuShares(512).setMemoryLimitInBytes(100 << 20);
    node.cri()
        .updateContainerResources(
            UpdateContainerResourcesRequest.newBuilder()
                .setContainerId(container)
                .setLinux(change)
                .build());
    assertThat(node.status(container).getResources().getLinux().getCpuShares()).isEqualTo(512);
    if (!Files.readString(RealKernel.cgroup2().resolve("cgroup.controllers")).contains("memory")) {
      assertThat(node.verbose(container).getInfoOrThrow("info"))
          .contains("memory_limit_in_bytes cannot be applied");
    }

    node.daemon().kill();
    node.daemon().start();

    LinuxContainerResources kept = node.status(container).getResources().getLinux();
    assertThat(kept.getCpuShares()).isEqualTo(512);
    assertThat(kept.getMemoryLimitInBytes()).isEqualTo(100 << 20);
  }

  // ---- a start that hangs ----

  @Test
  void aStartThatHangsIsShownAndDoesNotHoldUpItsStop() throws Exception {
    node.daemon().hold("StartContainer:open log");
    try {
      String pod = node.pod("hung");
      String container = node.create(pod, node.containerConfig("main", "sleep", "1000"));
      Future<?> start = threads.submit(() -> node.start(container));
      TestNode.until(
          "Status shows the hanging start", () -> !slowStages("StartContainer").isEmpty());
      assertThat(slowStages("StartContainer")).contains("open log").contains("log directory");

      node.stop(container, 30);

      ContainerStatus status = node.status(container);
      assertThat(status.getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
      assertThat(status.getReason()).isEqualTo("StartError");
      assertThat(status.getMessage()).contains("stopped before its program was started");
      node.daemon().letGo();
      assertThatThrownBy(() -> start.get(60, TimeUnit.SECONDS))
          .hasMessageContaining("stopped before its program was started");
      assertThat(node.cgroup(pod, container)).doesNotExist();
    } finally {
      node.daemon().letGo();
    }
  }
}
