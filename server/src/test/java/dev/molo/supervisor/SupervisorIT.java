package dev.molo.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.launch.LaunchPlan;
import dev.molo.launch.LaunchPlan.Builder;
import dev.molo.launch.LaunchPlan.Create;
import dev.molo.launch.LaunchPlan.FdRef;
import dev.molo.launch.LaunchPlan.Output;
import dev.molo.launch.LaunchPlan.Stdin;
import dev.molo.linux.CloneFlags;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.FileMode;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Pipes.Pipe;
import dev.molo.linux.RealKernel;
import dev.molo.linux.Stat;
import dev.molo.spec.ContainerId;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The real supervisor on the real kernel, driven as the daemon drives it. */
@ExtendWith(RealKernel.class)
@Timeout(300)
final class SupervisorIT {
  private static final UnaryOperator<Builder> NOTHING_MORE = UnaryOperator.identity();

  @TempDir Path directory;
  private TestPod pod;
  private final ContainerId container = ContainerId.random();
  private Path log;

  @BeforeEach
  void launch() {
    pod = new TestPod(directory);
    log = directory.resolve("log");
  }

  @AfterEach
  void end() {
    pod.close();
  }

  private void start(String... argv) {
    pod.start(container, log, List.of(argv)).close();
  }

  private void startWith(UnaryOperator<Builder> more, String... argv) {
    pod.start(container, log, CloneFlags.CLONE_NEWPID, more, List.of(argv)).close();
  }

  private List<String> runToEnd(UnaryOperator<Builder> more, String... argv)
      throws InterruptedException {
    startWith(more, argv);
    pod.awaitExit();
    return TestPod.texts(log);
  }

  @Test
  void containerRunsLogsAndItsExitIsTold() throws Exception {
    start("probe", "say", "hello", "there");
    ExitRecord exit = pod.awaitExit();

    assertThat(exit.container()).isEqualTo(container);
    assertThat(exit.exit().code()).isZero();
    assertThat(exit.exit().finishedAt()).isGreaterThanOrEqualTo(exit.startedAt());
    assertThat(Files.readString(log))
        .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z stdout F hello there\n");
    assertThat(new ExitRecords(pod.run).read(pod.id, container)).contains(exit);
  }

  @Test
  void exitCodesAndSignalsAreTold() throws Exception {
    start("probe", "exit", "42");
    assertThat(pod.awaitExit().exit().code()).isEqualTo(42);

    ContainerId other = ContainerId.random();
    pod.start(other, log, List.of("probe", "sleep", "100")).close();
    assertThat(pod.supervisor.signal(other, 9)).isTrue();
    ProcessExit killed = pod.awaitExit().exit();
    assertThat(killed.code()).isEqualTo(137);
    assertThat(killed.signal()).isEqualTo(9);
    assertThat(pod.supervisor.signal(other, 15)).isFalse();
  }

  @Test
  void releasedContainerIsForgottenWithItsRecord() throws Exception {
    start("probe", "exit", "0");
    pod.awaitExit();
    pod.supervisor.release(container);

    assertThat(pod.supervisor.containers()).isEmpty();
    assertThat(new ExitRecords(pod.run).read(pod.id, container)).isEmpty();
    pod.supervisor.release(container);
  }

  /** Where no pid namespace of the container's own ends them before it. */
  @Test
  void releaseWaitsForProgramsThatWereExecd() throws Exception {
    LaunchPlan setup = LaunchPlan.builder().pidReaper().build();
    pod.supervisor.setup(setup.operations(), setup.descriptors());
    for (int i = 0; i < 20; i++) {
      ContainerId each = ContainerId.random();
      pod.start(each, log, 0, Builder::pidOfPod, List.of("probe", "sleep", "100")).close();
      for (int j = 0; j < 20; j++) {
        pod.beginExec(each, "r" + i + "-" + j, List.of("probe", "sleep", "100"));
      }
      assertThat(pod.supervisor.kill(each)).isTrue();
      pod.awaitExit();
      pod.supervisor.release(each);
    }
    assertThat(pod.supervisor.containers()).isEmpty();
  }

  @Test
  void failingOperationIsNamed() {
    assertThatThrownBy(
            () -> startWith(plan -> plan.bind("/nowhere", "/x", false, Create.FILE), "probe"))
        .isInstanceOfSatisfying(
            LaunchFailure.class,
            failure -> {
              assertThat(failure.errno()).isEqualTo(Errno.ENOENT);
              assertThat(failure.detail()).isEqualTo("bind /nowhere at /x");
              assertThat(failure.operation()).isEqualTo(11);
            });
    assertThat(pod.supervisor.containers().getFirst().phase()).isEqualTo(ContainerFacts.Phase.HELD);
  }

  @Test
  void missingProgramIsAFailedStart() {
    assertThatThrownBy(() -> start("no-such-program"))
        .isInstanceOfSatisfying(
            LaunchFailure.class, failure -> assertThat(failure.errno()).isEqualTo(Errno.ENOENT))
        .hasMessageContaining("execute no-such-program");
  }

  @Test
  void unknownOperationFailsThePlan() {
    ByteBuffer plan = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putShort((short) 0x2ff);
    assertThatThrownBy(
            () -> pod.supervisor.start(container, plan.position(0), List.of(), TestPod.LIMIT))
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSYS));
  }

  @Test
  void heldRootMountIsUsedAtStart() throws Exception {
    try (Fd mount = pod.rootMount()) {
      pod.supervisor.hold(container, PodSupervisor.KEY_ROOT, List.of(mount));
    }
    try (Fd leaf = pod.leaf("held");
        Fd file = pod.openLog(log)) {
      Builder plan = LaunchPlan.builder();
      plan.cgroup(plan.fd(leaf))
          .cloneNamespaces(CloneFlags.CLONE_NEWNS | CloneFlags.CLONE_NEWPID)
          .output(Output.LOG)
          .log(plan.fd(file));
      pod.finish(
              container,
              plan,
              FdRef.held(PodSupervisor.KEY_ROOT),
              NOTHING_MORE,
              List.of("probe", "say", "held"))
          .close();
    }
    pod.awaitExit();
    assertThat(TestPod.texts(log)).containsExactly("held");
  }

  @Test
  void largePlanTravelsInASealedMemfd() throws Exception {
    String word = "x".repeat(100_000);
    assertThat(
            runToEnd(
                plan -> plan.env("A", word).env("B", word).env("C", word),
                "probe",
                "say",
                word.substring(0, 40_000)))
        .hasSize(3)
        .first()
        .isEqualTo("x".repeat(16384));
  }

  @Test
  void execRunsBesideAndSeesTheContainer() throws Exception {
    start("probe", "sleep", "100");
    assertThat(pod.exec(container, "e1", List.of("probe", "ls", "/"))).contains("bin", "proc");
    assertThat(pod.execExits.poll(60, TimeUnit.SECONDS)).isEqualTo("e1 0");
    assertThat(pod.exec(container, "e2", List.of("probe", "exit", "7"))).isEmpty();
    assertThat(pod.execExits.poll(60, TimeUnit.SECONDS)).isEqualTo("e2 7");
  }

  @Test
  void sixtyFourExecsAtOnce() throws Exception {
    start("probe", "sleep", "100");
    try (ExecutorService threads = Executors.newFixedThreadPool(64)) {
      List<Future<String>> answers = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        String name = "e" + i;
        answers.add(threads.submit(() -> pod.exec(container, name, List.of("probe", "say", name))));
      }
      for (int i = 0; i < 64; i++) {
        assertThat(answers.get(i).get()).isEqualTo("e" + i + "\n");
      }
    }
    for (int i = 0; i < 64; i++) {
      assertThat(pod.execExits.poll(60, TimeUnit.SECONDS)).endsWith(" 0");
    }
    assertThat(pod.supervisor.containers().getFirst().execs()).isEmpty();
  }

  @Test
  void noDescriptorOfOursReachesAProgram() throws Exception {
    assertThat(runToEnd(NOTHING_MORE, "probe", "fds")).containsExactly("0 open");

    ContainerId other = ContainerId.random();
    pod.start(other, log, List.of("probe", "sleep", "100")).close();
    assertThat(pod.exec(other, "fds", List.of("probe", "fds"))).isEqualTo("0 open\n");
  }

  @Test
  void workingDirectoryThatIsADescriptorIsRefused() throws Exception {
    start("probe", "sleep", "100");
    for (int fd = 3; fd < 20; fd++) {
      String path = "/proc/self/fd/" + fd;
      assertThatThrownBy(
              () -> pod.exec(container, "cwd", plan -> plan.cwd(path), List.of("probe", "pwd")))
          .isInstanceOf(LaunchFailure.class);
    }
    Files.createSymbolicLink(pod.root.resolve("magic"), Path.of("/proc/self/fd/4"));
    assertThatThrownBy(
            () -> pod.exec(container, "cwd", plan -> plan.cwd("/magic"), List.of("probe", "pwd")))
        .isInstanceOf(LaunchFailure.class);
  }

  @Test
  void missingWorkingDirectoryIsMade() throws Exception {
    pod.inside = plan -> plan.cwd("/a/b/c");
    assertThat(runToEnd(plan -> plan.mkcwd("/a/b/c", 0, 0), "probe", "pwd"))
        .containsExactly("/a/b/c");
  }

  @Test
  void linksOfAnImageNeverLeadOutOfItsRoot() throws Exception {
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Path dangling = directory.resolve("not-made");
    Files.createSymbolicLink(pod.root.resolve("evil"), outside);
    Files.createSymbolicLink(pod.root.resolve("up"), Path.of("../../../../../.." + outside));
    Files.createSymbolicLink(pod.root.resolve("dangling"), dangling);
    List<String> mounts =
        runToEnd(
            plan ->
                plan.mount("tmpfs", "/evil", 0, List.of("size=4k"))
                    .mount("tmpfs", "/up/deep", 0, List.of("size=8k"))
                    .mkdir("/dangling/x", 0755)
                    .mkfile("/evil/file", 0644, 0, 0, new byte[] {'x'})
                    .mkfile("/up/file", 0644, 0, 0, new byte[] {'x'}),
            "probe",
            "cat",
            "/proc/self/mountinfo");

    assertThat(mounts).anyMatch(line -> line.contains("size=4k"));
    assertThat(mounts).anyMatch(line -> line.contains("size=8k"));
    assertThat(outside).isEmptyDirectory();
    assertThat(dangling).doesNotExist();
    assertThat(pod.root.resolve(dangling.toString().substring(1)).resolve("x")).isDirectory();
  }

  @Test
  void deviceDirectoryThatIsALinkStaysInside() throws Exception {
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Files.createSymbolicLink(pod.root.resolve("dev"), outside);
    assertThat(runToEnd(NOTHING_MORE, "probe", "cat", "/proc/self/mountinfo"))
        .anyMatch(line -> line.contains(" - devpts "));
    assertThat(outside).isEmptyDirectory();
  }

  @Test
  void targetThatIsExchangedForALinkMeanwhileNeverEscapes() throws Exception {
    Path outside = Files.createDirectories(directory.resolve("outside/target"));
    Path volume = Files.createDirectories(pod.root.resolve("volume/a/target"));
    Path a = volume.getParent();
    Path link = Files.createSymbolicLink(a.resolveSibling("l"), outside.getParent());
    Path spare = a.resolveSibling("s");
    Thread renamer =
        Thread.ofPlatform()
            .start(() -> {
              while (!Thread.currentThread().isInterrupted()) {
                exchange(a, link, spare);
              }
            });
    int made = 0;
    try {
      for (int i = 0; i < 60; i++) {
        ContainerId racer = ContainerId.random();
        Path racerLog = directory.resolve("race" + i);
        try {
          pod.start(
                  racer,
                  racerLog,
                  CloneFlags.CLONE_NEWPID,
                  plan -> plan.mount("tmpfs", "/volume/a/target", 0, List.of("size=12k")),
                  List.of("probe", "cat", "/proc/self/mountinfo"))
              .close();
        } catch (LaunchFailure lostTheRace) {
          continue; // refused is as good as mounted inside
        }
        pod.awaitExit();
        made++;
        assertThat(TestPod.texts(racerLog))
            .as("mounted where the container sees it")
            .anyMatch(line -> line.contains("size=12k"));
      }
    } finally {
      renamer.interrupt();
      renamer.join();
    }
    assertThat(outside).isEmptyDirectory();
    System.out.println("target exchange race: " + made + " of 60 starts mounted inside");
  }

  private void exchange(Path a, Path link, Path spare) {
    pod.linux
        .files()
        .renameat2(Fd.AT_FDCWD, bytes(a), Fd.AT_FDCWD, bytes(link), OpenFlags.RENAME_EXCHANGE);
    assertThat(spare).doesNotExist();
  }

  private static byte[] bytes(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void maskedAndReadOnlyPathsHold() throws Exception {
    UnaryOperator<Builder> guarded =
        plan ->
            plan.mask("/proc/version")
                .mask("/proc/fs")
                .mask("/proc/not-there")
                .readonly("/proc/sys");
    startWith(guarded, "probe", "sleep", "100");
    assertThat(pod.exec(container, "e1", List.of("probe", "cat", "/proc/version"))).isEmpty();
    assertThat(pod.exec(container, "e2", List.of("probe", "ls", "/proc/fs"))).isEmpty();
    assertThat(
            pod.exec(container, "e3", List.of("probe", "write", "/proc/sys/kernel/hostname", "x")))
        .contains("Read-only file system");
  }

  @Test
  void strayChildrenEndWithTheirContainerInAHostPidNamespace() throws Exception {
    pod.start(container, log, 0, NOTHING_MORE, List.of("probe", "stray")).close();
    long before = System.nanoTime();
    assertThat(pod.awaitExit().exit().code()).isEqualTo(3);
    // the child sleeps for a thousand
    assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - before)).isLessThan(500);
    assertThat(TestPod.texts(log)).containsExactly("left a child behind");
    awaitNoProcesses(pod.cgroup.resolve(container.brief()));
  }

  private static void awaitNoProcesses(Path cgroup) throws Exception {
    for (int i = 0;
        i < 30_000 && !Files.readString(cgroup.resolve("cgroup.procs")).isEmpty();
        i++) {
      Thread.sleep(2);
    }
    assertThat(cgroup.resolve("cgroup.procs")).isEmptyFile();
  }

  @Test
  void sharedPidNamespaceHasAReaperThatNothingCanBeTakenFrom() throws Exception {
    LaunchPlan setup = LaunchPlan.builder().pidReaper().loopbackUp().hostname("pod-x").build();
    pod.supervisor.setup(setup.operations(), setup.descriptors());
    pod.start(container, log, 0, Builder::pidOfPod, List.of("probe", "sleep", "100")).close();

    assertThat(pod.exec(container, "e1", List.of("probe", "cat", "/proc/1/status")))
        .contains("Name:\tmolo-reaper")
        .contains("CapEff:\t0000000000000000")
        .contains("CapBnd:\t0000000000000000")
        .contains("NoNewPrivs:\t1")
        .contains("Seccomp:\t2");
    assertThat(pod.exec(container, "e2", List.of("probe", "ls", "/proc/1/root"))).isEmpty();
    assertThat(pod.exec(container, "e3", List.of("probe", "ls", "/proc/1/fd"))).isEmpty();
    assertThat(pod.exec(container, "e4", List.of("probe", "cat", "/proc/sys/kernel/hostname")))
        .isEqualTo("pod-x\n");
    printMemory();
  }

  private void printMemory() throws Exception {
    long total = 0;
    List<Integer> pids = new ArrayList<>(List.of(pod.supervisor.pid()));
    String children =
        "/proc/" + pod.supervisor.pid() + "/task/" + pod.supervisor.pid() + "/children";
    for (String child : Files.readString(Path.of(children)).split(" ")) {
      if (!child.isBlank() && nameOf(child).startsWith("molo-")) {
        pids.add(Integer.valueOf(child));
      }
    }
    for (int pid : pids) {
      total += pss(pid);
    }
    System.out.println("PSS of a pod's supervisor and reaper: " + total + " KiB");
    assertThat(pids).hasSize(2);
    if (!TestPod.sanitized()) {
      assertThat(total).isLessThanOrEqualTo(200);
    }
  }

  /** The name of a process; empty when it has ended, as the last exec's may do at any moment. */
  private static String nameOf(String pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/comm"));
    } catch (IOException gone) {
      return "";
    }
  }

  private static long pss(int pid) throws Exception {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/smaps_rollup"))) {
      return lines
          .filter(line -> line.startsWith("Pss:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
          .sum();
    }
  }

  @Test
  void sharedMemoryIsThePods() throws Exception {
    LaunchPlan setup = LaunchPlan.builder().podShm(PodSupervisor.KEY_SHM, 1 << 20).build();
    pod.supervisor.setup(setup.operations(), setup.descriptors());
    UnaryOperator<Builder> withShm =
        plan -> plan.attach(FdRef.heldForPod(PodSupervisor.KEY_SHM), "/dev/shm", Create.DIRECTORY);
    startWith(withShm, "probe", "write", "/dev/shm/note", "from one to the other");
    pod.awaitExit();
    ContainerId other = ContainerId.random();
    pod.start(
            other, log, CloneFlags.CLONE_NEWPID, withShm, List.of("probe", "cat", "/dev/shm/note"))
        .close();
    pod.awaitExit();
    assertThat(TestPod.texts(log)).containsExactly("from one to the other");
  }

  @Test
  void podGoesOnWithoutTheDaemon() throws Exception {
    // not flood: it must not end before the daemon is away
    Path gate = gate();
    start("probe", "cat", "/gate");
    ContainerId sleeper = ContainerId.random();
    pod.start(sleeper, directory.resolve("sleeper"), List.of("probe", "sleep", "100")).close();
    pod.hangUp();
    Files.writeString(gate, "a line of many\n".repeat(2000), StandardOpenOption.WRITE);
    awaitFile(pod.run.resolve("pods/" + pod.id + "/exits/" + container));
    pod.reconnect();

    List<ContainerFacts> facts = pod.supervisor.containers();
    assertThat(facts)
        .extracting(ContainerFacts::phase)
        .containsExactly(ContainerFacts.Phase.EXITED, ContainerFacts.Phase.RUNNING);
    assertThat(facts.getFirst().exit().orElseThrow().exit().code()).isZero();
    assertThat(TestPod.texts(log)).hasSize(2000);
    assertThat(pod.supervisor.kill(sleeper)).isTrue();
    assertThat(pod.awaitExit().container()).isEqualTo(sleeper);
  }

  /** A named pipe in the container's root: who reads it ends when the test lets go of it. */
  private Path gate() {
    Path gate = pod.root.resolve("gate");
    pod.linux
        .files()
        .mknodat(Fd.AT_FDCWD, bytes(gate), FileMode.S_IFIFO | 0600, new Stat.Device(0, 0));
    return gate;
  }

  private static void awaitFile(Path file) throws InterruptedException {
    for (int i = 0; i < 30_000 && !Files.exists(file); i++) {
      Thread.sleep(2);
    }
    assertThat(file).exists();
  }

  @Test
  void newestConnectionWins() throws Exception {
    PodSupervisor former = pod.supervisor;
    pod.reconnect();
    assertThat(pod.lost.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(former.connected()).isFalse();
    assertThat(pod.supervisor.containers()).isEmpty();
  }

  @Test
  void reopenedLogLosesNothing() throws Exception {
    int lines = 100_000;
    start("probe", "flood", Integer.toString(lines), "1000");
    List<Path> parts = new ArrayList<>();
    while (pod.exits.isEmpty() && parts.size() < 20) {
      Path part = directory.resolve("log." + parts.size());
      Files.move(log, part);
      parts.add(part);
      if (!reopened()) {
        break;
      }
      long size = Files.size(part);
      Thread.sleep(5);
      assertThat(Files.size(part)).as("nothing comes after the answer").isEqualTo(size);
    }
    pod.awaitExit();
    parts.add(log);
    List<String> all = parts.stream().flatMap(part -> TestPod.texts(part).stream()).toList();
    assertThat(all).hasSize(lines);
    assertThat(all.stream().map(text -> Long.parseLong(text.substring(5, 14))))
        .containsExactlyElementsOf(LongStream.range(0, lines).boxed().toList());
    System.out.println("log reopened " + (parts.size() - 1) + " times under load");
  }

  /** False when it has ended: what is left of its output goes where the rest went. */
  private boolean reopened() {
    try (Fd fresh = pod.openLog(log)) {
      pod.supervisor.reopenLog(container, Optional.of(fresh));
      return true;
    } catch (LinuxException ended) {
      assertThat(ended.errno()).isEqualTo(Errno.ESRCH);
      return false;
    }
  }

  @Test
  void longLinesAreCutAt16Kib() throws Exception {
    String word = "y".repeat(40_000);
    startWith(NOTHING_MORE, "probe", "say", word);
    pod.awaitExit();
    List<String> lines = Files.readAllLines(log);
    assertThat(lines).hasSize(3);
    assertThat(lines).map(line -> line.split(" ", 4)[2]).containsExactly("P", "P", "F");
    assertThat(lines)
        .map(line -> line.split(" ", 4)[3].length())
        .containsExactly(16384, 16384, 7232);
  }

  @Test
  void fullDiskUnderTheLogIsCountedAndMarked() throws Exception {
    try (Fd context = pod.linux.mounts().fsopen("tmpfs")) {
      pod.linux.mounts().fsconfigString(context, "size", "64k");
      pod.linux.mounts().fsconfigCreate(context);
      try (Fd mount = pod.linux.mounts().fsmount(context, 0);
          Fd file =
              pod.linux
                  .files()
                  .openat2(
                      mount,
                      "log",
                      OpenFlags.O_RDWR | OpenFlags.O_APPEND | OpenFlags.O_CREAT,
                      0600,
                      0)) {
        try (Fd leaf = pod.leaf("full");
            Fd root = pod.rootMount()) {
          Builder plan = LaunchPlan.builder();
          plan.cgroup(plan.fd(leaf)).cloneNamespaces(CloneFlags.CLONE_NEWNS);
          plan.stdin(Stdin.PIPE).output(Output.LOG).log(plan.fd(file));
          pod.finish(container, plan, plan.fd(root), NOTHING_MORE, List.of("probe", "copy"))
              .close();
        }
        try (Fd stdin =
            pod.supervisor.attach(container, Optional.empty(), Optional.empty()).orElseThrow()) {
          // a page is left: in whatever pieces it comes, little of this fits, and the last line not
          fill(mount, 15);
          write(stdin, "z".repeat(99) + "\n", 5000);
          write(stdin, "z".repeat(69_999) + "\n", 1);
          awaitRead(570_000);
          // answered between two rounds of the log's thread: what was read is dealt with by then
          pod.supervisor.reopenLog(container, Optional.of(file));
          LogStats stats = pod.supervisor.logStats(container);
          assertThat(stats.dropping()).isTrue();
          assertThat(stats.droppedLines()).isGreaterThan(1000);
          assertThat(stats.lastErrno()).isEqualTo(Errno.ENOSPC.number());

          pod.linux.files().ftruncate(file, 0);
          write(stdin, "room again\n", 1);
          awaitRead(570_011);
        }
        pod.supervisor.closeStdin(container);
        pod.awaitExit();
        byte[] text = new byte[8192];
        ByteBuffer buffer = ByteBuffer.allocateDirect(text.length);
        int length = pod.linux.files().pread(file, buffer, 0);
        String log = StandardCharsets.UTF_8.decode(buffer.flip()).toString();
        assertThat(length).isPositive();
        assertThat(log.lines().toList()).hasSize(2);
        assertThat(log).contains("are missing here").contains("room again");
      }
    }
  }

  private void fill(Fd mount, int pages) {
    try (Fd file =
        pod.linux
            .files()
            .openat2(mount, "filler", OpenFlags.O_WRONLY | OpenFlags.O_CREAT, 0600, 0)) {
      write(file, "x".repeat(4096), pages);
    }
  }

  private void write(Fd fd, String text, int times) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(text.length());
    bytes.put(text.getBytes(StandardCharsets.UTF_8));
    for (int i = 0; i < times; i++) {
      pod.linux.files().writeFully(fd, bytes.flip());
      bytes.limit(text.length()).position(text.length());
    }
  }

  private void awaitRead(long bytes) throws InterruptedException {
    for (int i = 0; i < 30_000 && pod.supervisor.logStats(container).readBytes() < bytes; i++) {
      Thread.sleep(2);
    }
    assertThat(pod.supervisor.logStats(container).readBytes()).isEqualTo(bytes);
  }

  @Test
  void logThatHangsDelaysNobodyElse() throws Exception {
    // A pipe that nobody reads stands for a disk that does not answer: the write never returns.
    try (Pipe stuck = pod.linux.pipes().pipe2(0);
        Fd leaf = pod.leaf("stuck");
        Fd root = pod.rootMount()) {
      Builder plan = LaunchPlan.builder();
      plan.cgroup(plan.fd(leaf)).cloneNamespaces(CloneFlags.CLONE_NEWNS);
      plan.output(Output.LOG).log(plan.fd(stuck.writeEnd()));
      pod.finish(
              container,
              plan,
              plan.fd(root),
              NOTHING_MORE,
              List.of("probe", "flood", "100000", "0"))
          .close();
      ContainerId other = ContainerId.random();
      pod.start(other, log, List.of("probe", "say", "unhindered")).close();
      assertThat(pod.awaitExit().container()).isEqualTo(other);
      assertThat(TestPod.texts(log)).containsExactly("unhindered");

      assertThat(pod.supervisor.kill(container)).isTrue();
      assertThat(pod.awaitExit().exit().signal()).isEqualTo(9);
    }
  }

  @Test
  void oneContainerLogsFastAndAnotherDoesNotWaitForIt() throws Exception {
    int lines = 1_000_000;
    long before = System.nanoTime();
    Path gate = gate();
    start("probe", "cat", "/gate");
    CountDownLatch otherEnded = new CountDownLatch(1);
    Thread.ofPlatform().daemon().start(() -> flood(gate, lines, otherEnded));
    ContainerId other = ContainerId.random();
    pod.start(other, directory.resolve("other"), List.of("probe", "say", "unhindered")).close();
    assertThat(pod.awaitExit().container()).isEqualTo(other);
    assertThat(TestPod.texts(directory.resolve("other"))).containsExactly("unhindered");
    otherEnded.countDown();
    assertThat(pod.exits.poll(200, TimeUnit.SECONDS)).isNotNull();
    double seconds = (System.nanoTime() - before) / 1e9;
    LogStats stats = pod.supervisor.logStats(container);
    System.out.printf(
        "log: %.0f MB/s read, %.0f MB/s written%n",
        stats.readBytes() / seconds / 1e6, stats.writtenBytes() / seconds / 1e6);
    assertThat(stats.droppedBytes()).isZero();
    try (Stream<String> text = Files.lines(log)) {
      assertThat(text.count()).isEqualTo(lines);
    }
  }

  /** Writes the lines as fast as they are taken, and lets go when the latch is open. */
  private static void flood(Path gate, int lines, CountDownLatch end) {
    byte[] thousand =
        "a line that is long enough to look like something a program says, time and again\n"
            .repeat(1000)
            .getBytes(StandardCharsets.UTF_8);
    try (OutputStream out = Files.newOutputStream(gate, StandardOpenOption.WRITE)) {
      for (int i = 0; i < lines / 1000; i++) {
        out.write(thousand);
      }
      end.await();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void terminalIsTheSupervisorsAndOutlivesTheDaemon() throws Exception {
    try (Fd leaf = pod.leaf("tty");
        Fd root = pod.rootMount();
        Fd file = pod.openLog(log)) {
      Builder plan = LaunchPlan.builder();
      plan.cgroup(plan.fd(leaf)).cloneNamespaces(CloneFlags.CLONE_NEWNS | CloneFlags.CLONE_NEWPID);
      plan.stdin(Stdin.TERMINAL).output(Output.TERMINAL).log(plan.fd(file));
      pod.finish(
              container,
              plan,
              plan.fd(root),
              more -> more.terminal(33, 101, true),
              List.of("probe", "tty"))
          .close();
    }
    for (int i = 0; i < 12_000 && Files.size(log) == 0; i++) {
      Thread.sleep(5);
    }
    pod.hangUp();
    pod.reconnect();
    pod.supervisor.resize(container, 50, 120);
    try (Fd terminal =
        pod.supervisor.attach(container, Optional.empty(), Optional.empty()).orElseThrow()) {
      write(terminal, "typed\n", 1);
    }
    assertThat(pod.awaitExit().exit().code()).isZero();
    assertThat(TestPod.texts(log)).contains("terminal 33 x 101", "got typed");
  }

  @Test
  void execGetsATerminalWhoseMasterIsTheDaemons() throws Exception {
    start("probe", "sleep", "100");
    try (Fd leaf = pod.leaf(container.brief() + "/tty")) {
      Builder plan = LaunchPlan.builder();
      plan.cgroup(plan.fd(leaf)).stdin(Stdin.TERMINAL).output(Output.TERMINAL);
      plan.join(CloneFlags.CLONE_NEWNS | CloneFlags.CLONE_NEWCGROUP, "");
      plan.terminal(20, 30, false).env("PATH", "/bin").arg("probe").arg("tty").exec();
      LaunchPlan finished = plan.build();
      try (PodSupervisor.Started exec =
          pod.supervisor.exec(
              container, "tty", finished.operations(), finished.descriptors(), TestPod.LIMIT)) {
        Fd master = exec.terminal().orElseThrow();
        write(master, "hello\n", 1);
        assertThat(pod.execExits.poll(60, TimeUnit.SECONDS)).isEqualTo("tty 0");
        assertThat(saidOn(master)).contains("terminal 20 x 30");
      }
    }
  }

  /** All of it: until the kernel says that nobody has the other side open any more. */
  private String saidOn(Fd master) {
    ByteBuffer said = ByteBuffer.allocateDirect(1000);
    try {
      while (pod.linux.files().read(master, said) > 0) {
        // it comes in as many pieces as the kernel likes
      }
    } catch (LinuxException e) {
      assertThat(e.errno()).isEqualTo(Errno.EIO);
    }
    return StandardCharsets.UTF_8.decode(said.flip()).toString();
  }

  @Test
  void attachedSinkGetsACopyOfTheOutput() throws Exception {
    try (Pipe sink = pod.linux.pipes().pipe2(0);
        Fd leaf = pod.leaf("sink");
        Fd root = pod.rootMount();
        Fd file = pod.openLog(log)) {
      Builder plan = LaunchPlan.builder();
      plan.cgroup(plan.fd(leaf)).cloneNamespaces(CloneFlags.CLONE_NEWNS);
      plan.stdin(Stdin.PIPE).output(Output.LOG).log(plan.fd(file));
      pod.finish(container, plan, plan.fd(root), NOTHING_MORE, List.of("probe", "copy")).close();
      try (Fd stdin =
          pod.supervisor
              .attach(container, Optional.of(sink.writeEnd()), Optional.empty())
              .orElseThrow()) {
        sink.writeEnd().close();
        write(stdin, "to both\n", 1);
      }
      pod.supervisor.closeStdin(container);
      pod.awaitExit();
      assertThat(pod.readAll(sink.readEnd())).isEqualTo("to both\n");
      assertThat(TestPod.texts(log)).containsExactly("to both");
    }
  }

  @Test
  void identityIsWhatThePlanSays() throws Exception {
    pod.inside =
        plan ->
            plan.rlimit(7, 100, 200)
                .oomScoreAdj(500)
                .umask(027)
                .bounding(java.util.Set.of(dev.molo.linux.Capability.CAP_NET_BIND_SERVICE))
                .keepCapabilities(true)
                .ids(65534, 65533, List.of(10L, 20L))
                .capabilities(
                    java.util.Set.of(dev.molo.linux.Capability.CAP_NET_BIND_SERVICE),
                    java.util.Set.of(dev.molo.linux.Capability.CAP_NET_BIND_SERVICE),
                    java.util.Set.of(dev.molo.linux.Capability.CAP_NET_BIND_SERVICE),
                    java.util.Set.of(dev.molo.linux.Capability.CAP_NET_BIND_SERVICE))
                .noNewPrivileges();
    assertThat(runToEnd(NOTHING_MORE, "probe", "cat", "/proc/self/status"))
        .contains(
            "Uid:\t65534\t65534\t65534\t65534",
            "Gid:\t65533\t65533\t65533\t65533",
            "Groups:\t10 20 ",
            "Umask:\t0027",
            "NoNewPrivs:\t1",
            "CapInh:\t0000000000000400",
            "CapPrm:\t0000000000000400",
            "CapEff:\t0000000000000400",
            "CapBnd:\t0000000000000400",
            "CapAmb:\t0000000000000400",
            "SigBlk:\t0000000000000000",
            "SigIgn:\t0000000000000000");
  }

  @Test
  void filterMayDenyWhatOnlyTheLaunchItselfNeeds() throws Exception {
    assumeTrue(System.getProperty("os.arch").equals("amd64"), "the call numbers are x86_64's");
    int closeRange = 436;
    int sendto = 44;
    int sigprocmask = 14;
    ByteBuffer filter = ByteBuffer.allocate(6 * 8).order(ByteOrder.nativeOrder());
    instruction(filter, 0x20, 0, 0, 0); // load the call's number
    instruction(filter, 0x15, 3, 0, closeRange);
    instruction(filter, 0x15, 2, 0, sendto);
    instruction(filter, 0x15, 1, 0, sigprocmask);
    instruction(filter, 0x06, 0, 0, 0x7fff0000); // allow
    instruction(filter, 0x06, 0, 0, 0x00050001); // EPERM
    pod.inside = plan -> plan.noNewPrivileges().seccomp(0, filter.array());
    assertThat(runToEnd(NOTHING_MORE, "probe", "say", "filtered")).containsExactly("filtered");
  }

  private static void instruction(ByteBuffer filter, int code, int yes, int no, int value) {
    filter.putShort((short) code).put((byte) yes).put((byte) no).putInt(value);
  }

  @Test
  void aKillForMemoryIsCounted() throws Exception {
    assumeTrue(
        Files.readString(RealKernel.cgroup2().resolve("cgroup.subtree_control")).contains("memory"),
        "needs the memory controller in " + RealKernel.cgroup2() + ", as in the guest");
    Files.writeString(pod.cgroup.resolve("cgroup.subtree_control"), "+memory");
    pod.leaf(container.brief()).close();
    Files.writeString(pod.cgroup.resolve(container.brief()).resolve("memory.max"), "8M");
    start("probe", "eat");

    ExitRecord exit = pod.awaitExit();
    assertThat(exit.exit().code()).isEqualTo(137);
    assertThat(exit.oomKills()).isPositive();
    assertThat(new ExitRecords(pod.run).read(pod.id, container)).contains(exit);
  }

  @Test
  void loweringTheOomScoreIsAWarningWhereItIsNotPermitted() throws Exception {
    PodSupervisor.Started started =
        pod.start(
            container,
            log,
            CloneFlags.CLONE_NEWPID,
            plan -> plan.oomScoreAdj(-900),
            List.of("probe", "cat", "/proc/self/oom_score_adj"));
    started.close();
    pod.awaitExit();
    boolean lowered = TestPod.texts(log).equals(List.of("-900"));
    assertThat(lowered || started.warnings().size() == 1)
        .as("warnings " + started.warnings())
        .isTrue();
  }

  @Test
  void pendingEndsAreToldWithShutdown() throws Exception {
    List<ContainerId> many = IntStream.range(0, 20).mapToObj(i -> ContainerId.random()).toList();
    for (ContainerId each : many) {
      pod.start(each, log, List.of("probe", "sleep", "100")).close();
    }
    pod.supervisor.shutdown(TestPod.LIMIT);
    assertThat(pod.exits)
        .extracting(ExitRecord::container)
        .containsExactlyInAnyOrderElementsOf(many);
  }
}
