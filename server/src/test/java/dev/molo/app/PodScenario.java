package dev.molo.app;

import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.ContainerMetadata;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ContainerStatus;
import dev.molo.cri.v1.ContainerStatusRequest;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.LinuxPodSandboxConfig;
import dev.molo.cri.v1.LinuxSandboxSecurityContext;
import dev.molo.cri.v1.PodSandboxConfig;
import dev.molo.cri.v1.PodSandboxMetadata;
import dev.molo.cri.v1.PodSandboxState;
import dev.molo.cri.v1.PodSandboxStatusRequest;
import dev.molo.cri.v1.RemoveContainerRequest;
import dev.molo.cri.v1.RemovePodSandboxRequest;
import dev.molo.cri.v1.ReopenContainerLogRequest;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.cri.v1.RuntimeServiceGrpc.RuntimeServiceBlockingStub;
import dev.molo.cri.v1.StartContainerRequest;
import dev.molo.cri.v1.StopContainerRequest;
import dev.molo.cri.v1.StopPodSandboxRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A pod's whole life as a list of calls, each of which can be made again, as the kubelet does when
 * an answer stays away.
 */
final class PodScenario {
  private final PodSandboxConfig pod;
  private final String program;
  private final UnaryOperator<ContainerConfig.Builder> more;
  private String sandbox = "";
  private String container = "";
  private boolean started;

  /**
   * @param program of the workload, with its argument: "wait", "exit 7"
   */
  PodScenario(String name, Path logs, String program) {
    this(name, logs, program, false, UnaryOperator.identity());
  }

  /**
   * @param more what else its container asks for
   */
  PodScenario(
      String name,
      Path logs,
      String program,
      boolean privileged,
      UnaryOperator<ContainerConfig.Builder> more) {
    this.program = program;
    this.more = more;
    this.pod =
        PodSandboxConfig.newBuilder()
            .setMetadata(
                PodSandboxMetadata.newBuilder()
                    .setName(name)
                    .setUid(name + "-uid")
                    .setNamespace("default"))
            .setLogDirectory(logs.resolve(name).toString())
            .setLinux(
                LinuxPodSandboxConfig.newBuilder()
                    .setSecurityContext(
                        LinuxSandboxSecurityContext.newBuilder().setPrivileged(privileged)))
            .build();
  }

  Path log() {
    return Path.of(pod.getLogDirectory()).resolve("main.log");
  }

  String sandbox() {
    return sandbox;
  }

  String container() {
    return container;
  }

  List<Consumer<RuntimeServiceBlockingStub>> calls() {
    List<Consumer<RuntimeServiceBlockingStub>> calls = new ArrayList<>(up());
    calls.addAll(down());
    return calls;
  }

  List<Consumer<RuntimeServiceBlockingStub>> up() {
    return List.of(this::run, this::create, this::start, this::reopen);
  }

  List<Consumer<RuntimeServiceBlockingStub>> down() {
    return List.of(this::stop, this::remove, this::stopPod, this::removePod);
  }

  private void run(RuntimeServiceBlockingStub cri) {
    sandbox =
        cri.runPodSandbox(RunPodSandboxRequest.newBuilder().setConfig(pod).build())
            .getPodSandboxId();
  }

  private void create(RuntimeServiceBlockingStub cri) {
    ContainerConfig config =
        more.apply(
                ContainerConfig.newBuilder()
                    .setMetadata(ContainerMetadata.newBuilder().setName("main"))
                    .setImage(ImageSpec.newBuilder().setImage(WorkloadImage.REFERENCE))
                    .addAllArgs(List.of(program.split(" ")))
                    .setStdin(program.equals("echo"))
                    .setLogPath("main.log"))
            .build();
    container =
        cri.createContainer(
                CreateContainerRequest.newBuilder()
                    .setPodSandboxId(sandbox)
                    .setConfig(config)
                    .setSandboxConfig(pod)
                    .build())
            .getContainerId();
  }

  private void start(RuntimeServiceBlockingStub cri) {
    cri.startContainer(StartContainerRequest.newBuilder().setContainerId(container).build());
    started = true;
  }

  /** Waits until its program has asked for its signals: one that comes before ends any program. */
  void awaitUp() {
    TestNode.until(
        "the program of container " + container + " is up",
        () -> Files.readString(log()).contains(" F up\n"));
  }

  /** Whether it ends by itself when it is told to, however late it comes to hear of it. */
  private boolean heedsTheStop() {
    return program.equals("wait") || program.startsWith("mount ");
  }

  private boolean saysUp() {
    return !program.startsWith("exit ") && !program.equals("euid");
  }

  private void reopen(RuntimeServiceBlockingStub cri) {
    cri.reopenContainerLog(
        ReopenContainerLogRequest.newBuilder().setContainerId(container).build());
  }

  private void stop(RuntimeServiceBlockingStub cri) {
    if (started && saysUp()) {
      awaitUp();
    }
    cri.stopContainer(
        StopContainerRequest.newBuilder()
            .setContainerId(container)
            .setTimeout(heedsTheStop() ? 60 : 1)
            .build());
  }

  private void remove(RuntimeServiceBlockingStub cri) {
    cri.removeContainer(RemoveContainerRequest.newBuilder().setContainerId(container).build());
  }

  private void stopPod(RuntimeServiceBlockingStub cri) {
    cri.stopPodSandbox(StopPodSandboxRequest.newBuilder().setPodSandboxId(sandbox).build());
  }

  private void removePod(RuntimeServiceBlockingStub cri) {
    cri.removePodSandbox(RemovePodSandboxRequest.newBuilder().setPodSandboxId(sandbox).build());
  }

  ContainerState containerState(RuntimeServiceBlockingStub cri) {
    return containerStatus(cri).getState();
  }

  ContainerStatus containerStatus(RuntimeServiceBlockingStub cri) {
    return cri.containerStatus(
            ContainerStatusRequest.newBuilder().setContainerId(container).build())
        .getStatus();
  }

  boolean isReady(RuntimeServiceBlockingStub cri) {
    return cri.podSandboxStatus(
                PodSandboxStatusRequest.newBuilder().setPodSandboxId(sandbox).build())
            .getStatus()
            .getState()
        == PodSandboxState.SANDBOX_READY;
  }
}
