package dev.molo.app.cli;

import dev.molo.app.cli.manifest.ContainerRequest;
import dev.molo.app.cli.manifest.PodDirectory;
import dev.molo.app.cli.manifest.PodFacts;
import dev.molo.app.cli.manifest.PodManifest;
import dev.molo.app.cli.manifest.PodManifest.Container;
import dev.molo.app.cli.manifest.SandboxRequest;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ContainerStatus;
import dev.molo.cri.v1.ContainerStatusRequest;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.ImageStatusRequest;
import dev.molo.cri.v1.ImageStatusResponse;
import dev.molo.cri.v1.PodSandboxConfig;
import dev.molo.cri.v1.PullImageRequest;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.cri.v1.StartContainerRequest;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Runs one pod: images, sandbox, init containers one after the other, then the others. A failure
 * takes back what was made. For one thread.
 */
final class PodRun {
  private final CriClient client;
  private final PodManifest pod;
  private final Path base;
  private final Consumer<String> progress;
  private final Map<String, Long> stages = new LinkedHashMap<>();
  private final Map<String, String> containerIds = new LinkedHashMap<>();
  private List<String> addresses = List.of();
  private long stageBegan = System.nanoTime();

  /**
   * A run that has not begun.
   *
   * @param base where pods' folders lie
   * @param progress hears of what is going on, a line at a time
   */
  PodRun(CriClient client, PodManifest pod, Path base, Consumer<String> progress) {
    this.client = client;
    this.pod = pod;
    this.base = base;
    this.progress = progress;
  }

  /**
   * Runs it.
   *
   * @return the sandbox's id
   */
  String run() throws InterruptedException {
    refuseSecond();
    stage("check");
    Map<String, Image> images = images();
    stage("images");
    PodDirectory directory = PodDirectory.of(base, pod.uid());
    Optional<String> sandbox = Optional.empty();
    try {
      directory.create(pod);
      PodSandboxConfig config = SandboxRequest.of(pod, directory, HostFacts.dns());
      String id =
          client
              .runtime()
              .runPodSandbox(RunPodSandboxRequest.newBuilder().setConfig(config).build())
              .getPodSandboxId();
      sandbox = Optional.of(id);
      addresses = PodsCommand.addresses(client, id);
      stage("sandbox");
      containers(id, config, directory, images);
      return id;
    } catch (RuntimeException | InterruptedException e) {
      rollBack(sandbox, directory, e);
      throw e;
    }
  }

  List<String> addresses() {
    return addresses;
  }

  /** Container names to ids, in the order of their start. */
  Map<String, String> containerIds() {
    return containerIds;
  }

  /** What took how long, in microseconds, in order. */
  Map<String, Long> stages() {
    return stages;
  }

  private void refuseSecond() {
    Targets.of(client).pods().stream()
        .filter(p -> Targets.fullName(p).equals(pod.fullName()))
        .findFirst()
        .ifPresent(p -> {
          throw FaultException.precondition(
              "pod %s is there already (%s, %s): molo rm %s removes it",
              pod.fullName(), Shown.briefId(p.getId()), Shown.state(p.getState()), pod.fullName());
        });
  }

  private Map<String, Image> images() {
    Map<String, Image> images = new LinkedHashMap<>();
    Stream.concat(pod.initContainers().stream(), pod.containers().stream())
        .forEach(container -> images.computeIfAbsent(container.image(), _ -> image(container)));
    return images;
  }

  private Image image(Container container) {
    ImageSpec spec =
        ImageSpec.newBuilder()
            .setImage(container.image())
            .setUserSpecifiedImage(container.image())
            .build();
    Optional<Image> present = present(spec);
    boolean pull =
        switch (container.pullPolicy()) {
          case ALWAYS -> true;
          case IF_NOT_PRESENT -> present.isEmpty();
          case NEVER -> false;
        };
    if (!pull) {
      return present.orElseThrow(() ->
          FaultException.precondition(
              "image %s of container %s is not there, and imagePullPolicy is Never",
              container.image(), container.name()));
    }
    progress.accept("pulling " + container.image());
    String ref =
        client
            .imagesWithoutDeadline()
            .pullImage(PullImageRequest.newBuilder().setImage(spec).build())
            .getImageRef();
    return present(spec.toBuilder().setImage(ref).build())
        .orElseThrow(() ->
            new FaultException(Fault.INTERNAL, "image %s was pulled, and is gone".formatted(ref)));
  }

  private Optional<Image> present(ImageSpec spec) {
    ImageStatusResponse status =
        client.images().imageStatus(ImageStatusRequest.newBuilder().setImage(spec).build());
    return status.hasImage() ? Optional.of(status.getImage()) : Optional.empty();
  }

  private void containers(
      String sandbox, PodSandboxConfig config, PodDirectory directory, Map<String, Image> images)
      throws InterruptedException {
    ContainerRequest requests =
        new ContainerRequest(
            directory,
            new PodFacts(pod, addresses, HostFacts.name(), HostFacts.address()),
            HostFacts.memoryCapacity());
    for (Container container : pod.initContainers()) {
      String id = create(sandbox, config, requests, container, images);
      start(id);
      if (!container.sidecar()) {
        await(container, id);
      }
      stage("init " + container.name());
    }
    for (Container container : pod.containers()) {
      String id = create(sandbox, config, requests, container, images);
      stage("create " + container.name());
      start(id);
      stage("start " + container.name());
    }
  }

  private String create(
      String sandbox,
      PodSandboxConfig config,
      ContainerRequest requests,
      Container container,
      Map<String, Image> images) {
    String id =
        client
            .runtime()
            .createContainer(
                CreateContainerRequest.newBuilder()
                    .setPodSandboxId(sandbox)
                    .setSandboxConfig(config)
                    .setConfig(requests.of(container, images.get(container.image())))
                    .build())
            .getContainerId();
    containerIds.put(container.name(), id);
    return id;
  }

  private void start(String id) {
    var _ =
        client
            .runtime()
            .startContainer(StartContainerRequest.newBuilder().setContainerId(id).build());
  }

  private void await(Container container, String id) throws InterruptedException {
    progress.accept("waiting for init container " + container.name());
    ContainerStatus status = status(id);
    for (long pause = 5; status.getState() != ContainerState.CONTAINER_EXITED; ) {
      Thread.sleep(pause);
      pause = Math.min(200, pause * 2);
      status = status(id);
    }
    if (status.getExitCode() != 0) {
      throw FaultException.precondition(
          "init container %s ended with exit code %d (%s)%s",
          container.name(),
          status.getExitCode(),
          status.getReason(),
          LogTail.of(status.getLogPath()));
    }
  }

  private ContainerStatus status(String id) {
    return client
        .runtime()
        .containerStatus(ContainerStatusRequest.newBuilder().setContainerId(id).build())
        .getStatus();
  }

  private void rollBack(Optional<String> sandbox, PodDirectory directory, Exception why) {
    progress.accept("failed: removing what was made");
    try {
      sandbox.ifPresent(id -> new PodRemoval(client).remove(id, 0));
      directory.delete();
    } catch (RuntimeException e) {
      why.addSuppressed(e);
      progress.accept(
          "and that failed too: %s; molo rm %s tries again"
              .formatted(e.getMessage(), pod.fullName()));
    }
  }

  private void stage(String name) {
    long now = System.nanoTime();
    stages.put(name, (now - stageBegan) / 1000);
    stageBegan = now;
  }
}
