package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.ContainerMetadata;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ContainerStatus;
import dev.molo.cri.v1.ContainerStatusRequest;
import dev.molo.cri.v1.ContainerStatusResponse;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.ExecSyncRequest;
import dev.molo.cri.v1.ExecSyncResponse;
import dev.molo.cri.v1.ImageServiceGrpc.ImageServiceBlockingStub;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.ListPodSandboxRequest;
import dev.molo.cri.v1.PodSandbox;
import dev.molo.cri.v1.PodSandboxConfig;
import dev.molo.cri.v1.PodSandboxMetadata;
import dev.molo.cri.v1.RemovePodSandboxRequest;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.cri.v1.RuntimeServiceGrpc.RuntimeServiceBlockingStub;
import dev.molo.cri.v1.StartContainerRequest;
import dev.molo.cri.v1.StopContainerRequest;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A real daemon with the probe's image, driven over its socket as a kubelet drives it. {@link
 * #clear} removes the pods of a test, {@link #end} everything.
 */
final class TestNode {
  private static final Pattern PID = Pattern.compile("\"pid\":(\\d+)");
  private static final long LIMIT_MILLIS = 60_000;

  private final String instance;
  private final Path folder;
  private final TestDaemon daemon;

  /** Makes the folders and brings the image in; {@link #daemon} starts it. */
  TestNode(String name, Path folder) throws IOException {
    this.instance = name + "-" + ProcessHandle.current().pid();
    this.folder = folder;
    this.daemon = new TestDaemon(instance, folder);
    daemon.importImage(ProbeImage.make(folder), ProbeImage.REFERENCE);
  }

  TestDaemon daemon() {
    return daemon;
  }

  RuntimeServiceBlockingStub cri() {
    return daemon.cri();
  }

  ImageServiceBlockingStub images() {
    return daemon.images();
  }

  Path logs() {
    return folder.resolve("logs");
  }

  // ---- pods ----

  PodSandboxConfig.Builder podConfig(String name) {
    return PodSandboxConfig.newBuilder()
        .setMetadata(
            PodSandboxMetadata.newBuilder()
                .setName(name)
                .setUid(name + "-uid")
                .setNamespace("default"))
        .setHostname(name)
        .setLogDirectory(logs().resolve(name).toString());
  }

  String pod(String name) {
    return pod(podConfig(name));
  }

  String pod(PodSandboxConfig.Builder config) {
    return cri()
        .runPodSandbox(RunPodSandboxRequest.newBuilder().setConfig(config).build())
        .getPodSandboxId();
  }

  // ---- containers ----

  ContainerConfig.Builder containerConfig(String name, String... args) {
    return ContainerConfig.newBuilder()
        .setMetadata(ContainerMetadata.newBuilder().setName(name))
        .setImage(ImageSpec.newBuilder().setImage(ProbeImage.REFERENCE))
        .setLogPath(name + ".log")
        .addAllArgs(Arrays.asList(args));
  }

  String create(String pod, ContainerConfig.Builder config) {
    return cri()
        .createContainer(
            CreateContainerRequest.newBuilder().setPodSandboxId(pod).setConfig(config).build())
        .getContainerId();
  }

  void start(String container) {
    cri().startContainer(StartContainerRequest.newBuilder().setContainerId(container).build());
  }

  /** Creates and starts. */
  String run(String pod, ContainerConfig.Builder config) {
    String container = create(pod, config);
    start(container);
    return container;
  }

  /** A container of this name that runs until it is stopped. */
  String sleeper(String pod, String name, UnaryOperator<ContainerConfig.Builder> more) {
    return run(pod, more.apply(containerConfig(name, "sleep", "1000")));
  }

  void stop(String container, long graceSeconds) {
    cri()
        .stopContainer(
            StopContainerRequest.newBuilder()
                .setContainerId(container)
                .setTimeout(graceSeconds)
                .build());
  }

  ContainerStatus status(String container) {
    return verbose(container).getStatus();
  }

  ContainerStatusResponse verbose(String container) {
    return cri()
        .containerStatus(
            ContainerStatusRequest.newBuilder().setContainerId(container).setVerbose(true).build());
  }

  /** Its first process, as the host counts. */
  long pid(String container) {
    Matcher matcher = PID.matcher(verbose(container).getInfoOrThrow("info"));
    assertThat(matcher.find()).isTrue();
    return Long.parseLong(matcher.group(1));
  }

  /** A file of the kernel about the container's first process, which is the program by then. */
  Path proc(String container, String file) {
    Path process = Path.of("/proc", Long.toString(pid(container)));
    // a start is answered when the descriptors are closed, and the kernel's execve goes on for a
    // moment: name, label and credentials come next, the environment last
    until("the program runs in " + process, () -> !read(process.resolve("environ")).isEmpty());
    return process.resolve(file);
  }

  ContainerStatus awaitExit(String container) {
    until(
        "container " + container + " exits",
        () -> status(container).getState() == ContainerState.CONTAINER_EXITED);
    return status(container);
  }

  ExecSyncResponse exec(String container, String... command) {
    return cri()
        .execSync(
            ExecSyncRequest.newBuilder()
                .setContainerId(container)
                .addAllCmd(List.of(command))
                .build());
  }

  /** What the probe prints in there, which must succeed. */
  String said(String container, String... arguments) {
    String[] command = new String[arguments.length + 1];
    command[0] = "/bin/probe";
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    ExecSyncResponse answer = exec(container, command);
    assertThat(answer.getExitCode()).as(answer.getStderr().toStringUtf8()).isZero();
    return answer.getStdout().toStringUtf8();
  }

  /** The folder of the container's cgroup leaf, whether or not it is there. */
  Path cgroup(String pod, String container) {
    return RealKernel.cgroup2()
        .resolve("molo-" + instance)
        .resolve("molo-" + instance + "-" + pod)
        .resolve(container);
  }

  /** Waits for a condition of the world. */
  static void until(String what, Callable<Boolean> condition) {
    long deadline = System.currentTimeMillis() + LIMIT_MILLIS;
    try {
      while (!condition.call()) {
        if (System.currentTimeMillis() > deadline) {
          throw new AssertionError("not within %d ms: %s".formatted(LIMIT_MILLIS, what));
        }
        Thread.sleep(10);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(what, e);
    } catch (Exception e) {
      throw new AssertionError(what, e);
    }
  }

  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Removes every pod. */
  void clear() {
    for (PodSandbox pod :
        cri().listPodSandbox(ListPodSandboxRequest.getDefaultInstance()).getItemsList()) {
      cri()
          .removePodSandbox(
              RemovePodSandboxRequest.newBuilder().setPodSandboxId(pod.getId()).build());
    }
  }

  /** Takes everything away, and fails when the daemon has left something. */
  void end() throws IOException, InterruptedException {
    try {
      clear();
      assertThat(new Leftovers(instance, RealKernel.cgroup2(), daemon).find()).isEmpty();
    } finally {
      daemon.close();
      new InstanceCleanup(instance).run();
    }
  }
}
