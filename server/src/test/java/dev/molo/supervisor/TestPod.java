package dev.molo.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.launch.LaunchPlan;
import dev.molo.launch.LaunchPlan.Builder;
import dev.molo.launch.LaunchPlan.FdRef;
import dev.molo.launch.LaunchPlan.Output;
import dev.molo.launch.LaunchPlan.Stdin;
import dev.molo.linux.CloneFlags;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.MountFlags;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Pipes.Pipe;
import dev.molo.linux.RealKernel;
import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** A pod with a real supervisor, cgroup and root file system; everything is gone after close. */
final class TestPod implements AutoCloseable, SupervisorListener {
  static final Duration LIMIT = Duration.ofSeconds(60);
  static final long POD_NAMESPACES =
      CloneFlags.CLONE_NEWNET | CloneFlags.CLONE_NEWIPC | CloneFlags.CLONE_NEWUTS;

  private static final Path NATIVE =
      Path.of(System.getProperty("molo.native", "../native-shims/target"));
  private static final AtomicInteger NUMBERS = new AtomicInteger();

  final Linux linux = RealKernel.linux();
  final SandboxId id = SandboxId.random();
  final Path root;
  final Path run;
  final Path cgroup;
  final BlockingQueue<ExitRecord> exits = new LinkedBlockingQueue<>();
  final BlockingQueue<String> execExits = new LinkedBlockingQueue<>();
  final CountDownLatch lost = new CountDownLatch(1);
  private final Reactors reactors;
  private final Supervisors supervisors;
  private final List<Fd> open = new ArrayList<>();
  PodSupervisor supervisor;

  /** Operations for the next starts that come after the pivot. */
  UnaryOperator<Builder> inside = plan -> plan;

  TestPod(Path directory) {
    this(directory, POD_NAMESPACES);
  }

  TestPod(Path directory, long namespaces) {
    String name = "molo-supervisorit-" + NUMBERS.incrementAndGet();
    this.cgroup = RealKernel.cgroup2().resolve(name + "-" + ProcessHandle.current().pid());
    this.run = directory.resolve("run");
    this.root = directory.resolve("root");
    makeRoot();
    this.reactors = new Reactors(linux);
    this.supervisors = new NativeSupervisors(linux, reactors, run, NATIVE);
    try (Fd leaf = leaf("supervisor")) {
      supervisor = supervisors.launch(new SupervisorSpec(id, namespaces, leaf), this);
    }
  }

  /** Whether the programs under test carry the sanitizers, which want memory. */
  static boolean sanitized() {
    return NATIVE.endsWith("sanitized");
  }

  private void makeRoot() {
    try {
      Files.createDirectories(root.resolve("bin"));
      Files.copy(NATIVE.resolve("test/molo-probe"), root.resolve("bin/probe"));
      Files.setPosixFilePermissions(
          root.resolve("bin/probe"), PosixFilePermissions.fromString("rwxr-xr-x"));
      Files.createDirectories(root.resolve("work"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A cgroup leaf, made where it is missing. */
  Fd leaf(String path) {
    Path leaf = cgroup.resolve(path);
    try {
      Files.createDirectories(leaf);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return linux.files().open(leaf.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
  }

  Fd openLog(Path file) {
    return linux
        .files()
        .openat2(
            Fd.AT_FDCWD,
            file.toString(),
            OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_CREAT,
            0600,
            0);
  }

  Fd rootMount() {
    return linux.mounts().openTree(Fd.AT_FDCWD, root.toString(), MountFlags.OPEN_TREE_CLONE);
  }

  /** A container with a pid namespace of its own, logging to the file. */
  PodSupervisor.Started start(ContainerId container, Path log, List<String> argv) {
    return start(container, log, CloneFlags.CLONE_NEWPID, plan -> plan, argv);
  }

  PodSupervisor.Started start(
      ContainerId container,
      Path log,
      long namespaces,
      UnaryOperator<Builder> more,
      List<String> argv) {
    try (Fd leaf = leaf(container.brief());
        Fd mount = rootMount();
        Fd file = openLog(log)) {
      Builder plan = LaunchPlan.builder();
      plan.cgroup(plan.fd(leaf)).cloneNamespaces(CloneFlags.CLONE_NEWNS | namespaces);
      plan.stdin(Stdin.NULL).output(Output.LOG).log(plan.fd(file));
      return finish(container, plan, plan.fd(mount), more, argv);
    }
  }

  PodSupervisor.Started finish(
      ContainerId container,
      Builder plan,
      FdRef rootMount,
      UnaryOperator<Builder> more,
      List<String> argv) {
    plan.propagation(MountFlags.MS_SLAVE).root(rootMount);
    plan.mount("proc", "/proc", 0, List.of());
    plan.mount("tmpfs", "/dev", 0, List.of("mode=755"));
    plan.mount("devpts", "/dev/pts", 0, List.of("newinstance", "ptmxmode=0666"));
    plan.unshare(CloneFlags.CLONE_NEWCGROUP);
    var _ = more.apply(plan);
    plan.pivot();
    inside.apply(plan).env("PATH", "/bin");
    argv.forEach(plan::arg);
    LaunchPlan finished = plan.exec().build();
    return supervisor.start(container, finished.operations(), finished.descriptors(), LIMIT);
  }

  /** Runs a program in the container and returns what it wrote to stdout. */
  String exec(ContainerId container, String name, List<String> argv) {
    return exec(container, name, plan -> plan, argv);
  }

  String exec(ContainerId container, String name, UnaryOperator<Builder> more, List<String> argv) {
    try (Pipe pipe = linux.pipes().pipe2(0);
        Fd leaf = leaf(container.brief() + "/" + name)) {
      Builder plan = LaunchPlan.builder();
      plan.cgroup(plan.fd(leaf)).stdin(Stdin.NULL);
      plan.output(plan.fd(pipe.writeEnd()), plan.fd(pipe.writeEnd()));
      finishExec(container, name, plan, more, argv);
      pipe.writeEnd().close();
      return readAll(pipe.readEnd());
    }
  }

  /** Starts a program in the container, whose output nobody reads, and returns when it runs. */
  void beginExec(ContainerId container, String name, List<String> argv) {
    try (Fd leaf = leaf(container.brief() + "/" + name)) {
      Builder plan = LaunchPlan.builder();
      plan.cgroup(plan.fd(leaf)).stdin(Stdin.NULL).output(Output.NULL);
      finishExec(container, name, plan, more -> more, argv);
    }
  }

  private void finishExec(
      ContainerId container,
      String name,
      Builder plan,
      UnaryOperator<Builder> more,
      List<String> argv) {
    plan.join(
        CloneFlags.CLONE_NEWNS
            | CloneFlags.CLONE_NEWCGROUP
            | CloneFlags.CLONE_NEWIPC
            | CloneFlags.CLONE_NEWUTS
            | CloneFlags.CLONE_NEWNET,
        "");
    more.apply(plan).env("PATH", "/bin");
    argv.forEach(plan::arg);
    LaunchPlan finished = plan.exec().build();
    supervisor.exec(container, name, finished.operations(), finished.descriptors(), LIMIT).close();
  }

  String readAll(Fd fd) {
    StringBuilder text = new StringBuilder();
    ByteBuffer buffer = ByteBuffer.allocateDirect(65536);
    while (linux.files().read(fd, buffer) > 0) {
      text.append(StandardCharsets.UTF_8.decode(buffer.flip()));
      buffer.clear();
    }
    return text.toString();
  }

  ExitRecord awaitExit() throws InterruptedException {
    ExitRecord exit = exits.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
    assertThat(exit).as("an exit within " + LIMIT).isNotNull();
    return exit;
  }

  /** The texts of a CRI log's lines, times and streams cut off. */
  static List<String> texts(Path log) {
    try {
      return Files.readAllLines(log).stream().map(line -> line.split(" ", 4)[3]).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void hangUp() {
    supervisor.close();
  }

  void reconnect() {
    Optional<PodSupervisor> found = supervisors.reconnect(id, this);
    supervisor = found.orElseThrow();
  }

  @Override
  public void exited(SandboxId pod, ExitRecord exit) {
    exits.add(exit);
  }

  @Override
  public void execExited(SandboxId pod, ContainerId container, String exec, ProcessExit exit) {
    execExits.add(exec + " " + exit.code());
  }

  @Override
  public void logTrouble(SandboxId pod, ContainerId container, LogStats stats) {}

  @Override
  public void lost(SandboxId pod) {
    lost.countDown();
  }

  /** Keeps it open until the pod is closed. */
  Fd keep(Fd fd) {
    open.add(fd);
    return fd;
  }

  @Override
  public void close() {
    if (supervisor.connected()) {
      supervisor.shutdown(LIMIT);
    }
    open.forEach(Fd::close);
    awaitEmpty();
    removeCgroups(cgroup);
    supervisors.close();
    reactors.close();
  }

  /** The supervisor itself ends a moment after it has answered, and is reaped by the reactor. */
  private void awaitEmpty() {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    Path process = Path.of("/proc/" + supervisor.pid());
    while ((populated() || Files.exists(process)) && System.nanoTime() < deadline) {
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
    }
    assertThat(populated()).as("processes left in " + cgroup).isFalse();
  }

  private boolean populated() {
    try {
      return Files.readString(cgroup.resolve("cgroup.events")).contains("populated 1");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void removeCgroups(Path directory) {
    try (var children = Files.newDirectoryStream(directory, Files::isDirectory)) {
      children.forEach(this::removeCgroups);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    remove(directory);
  }

  /** A zombie's cgroup is busy until its parent has looked. */
  private void remove(Path directory) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      try {
        linux
            .files()
            .unlinkat(
                Fd.AT_FDCWD,
                directory.toString().getBytes(StandardCharsets.UTF_8),
                OpenFlags.AT_REMOVEDIR);
        return;
      } catch (LinuxException e) {
        if (e.errno() != Errno.EBUSY || System.nanoTime() - deadline > 0) {
          throw e;
        }
        java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
      }
    }
  }
}
