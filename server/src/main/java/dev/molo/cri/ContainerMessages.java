package dev.molo.cri;

import dev.molo.cri.v1.Container;
import dev.molo.cri.v1.ContainerMetadata;
import dev.molo.cri.v1.ContainerResources;
import dev.molo.cri.v1.ContainerStatus;
import dev.molo.cri.v1.ContainerUser;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.LinuxContainerUser;
import dev.molo.cri.v1.Mount;
import dev.molo.cri.v1.MountPropagation;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.ContainerState;
import dev.molo.spec.ImageRequest;
import dev.molo.spec.MountSpec;

/** Containers, from the domain to the wire. */
final class ContainerMessages {
  private ContainerMessages() {}

  static Container brief(ContainerSnapshot container) {
    return Container.newBuilder()
        .setId(container.id().value())
        .setPodSandboxId(container.sandboxId().value())
        .setMetadata(metadata(container.spec().metadata()))
        .setImage(image(container.spec().image()))
        .setImageRef(container.imageRef())
        .setImageId(container.imageId())
        .setState(state(container.state()))
        .setCreatedAt(container.createdAt())
        .putAllLabels(container.spec().labels())
        .putAllAnnotations(container.spec().annotations())
        .build();
  }

  /**
   * A container in detail.
   *
   * @param imageName what the image is called now; the kubelet shows it as the container's image
   */
  static ContainerStatus status(ContainerSnapshot container, String imageName) {
    ContainerStatus.Builder status =
        ContainerStatus.newBuilder()
            .setId(container.id().value())
            .setMetadata(metadata(container.spec().metadata()))
            .setState(state(container.state()))
            .setCreatedAt(container.createdAt())
            .setImage(image(container.spec().image()).toBuilder().setImage(imageName))
            .setImageRef(container.imageRef())
            .setImageId(container.imageId())
            .putAllLabels(container.spec().labels())
            .putAllAnnotations(container.spec().annotations())
            .setLogPath(container.logPath())
            .setResources(
                ContainerResources.newBuilder()
                    .setLinux(ResourcesMapping.message(container.resources())))
            .setUser(user(container.user()))
            .setStopSignal(SignalNames.signal(container.stopSignal()));
    container.spec().mounts().forEach(mount -> status.addMounts(mount(mount)));
    addStateFacts(container.state(), status);
    return status.build();
  }

  private static void addStateFacts(ContainerState state, ContainerStatus.Builder status) {
    switch (state) {
      case ContainerState.Created ignored -> {
        // nothing has happened yet
      }
      case ContainerState.Running running -> status.setStartedAt(running.startedAt());
      case ContainerState.Exited exited ->
          status
              .setStartedAt(exited.startedAt())
              .setFinishedAt(exited.finishedAt())
              .setExitCode(exited.exitCode())
              .setReason(exited.reason())
              .setMessage(exited.message());
      case ContainerState.Unknown unknown -> status.setMessage(unknown.message());
    }
  }

  static ContainerMetadata metadata(dev.molo.spec.ContainerMetadata metadata) {
    return ContainerMetadata.newBuilder()
        .setName(metadata.name())
        .setAttempt(metadata.attempt())
        .build();
  }

  static dev.molo.cri.v1.ContainerState state(ContainerState state) {
    return switch (state) {
      case ContainerState.Created ignored -> dev.molo.cri.v1.ContainerState.CONTAINER_CREATED;
      case ContainerState.Running ignored -> dev.molo.cri.v1.ContainerState.CONTAINER_RUNNING;
      case ContainerState.Exited ignored -> dev.molo.cri.v1.ContainerState.CONTAINER_EXITED;
      case ContainerState.Unknown ignored -> dev.molo.cri.v1.ContainerState.CONTAINER_UNKNOWN;
    };
  }

  private static ImageSpec image(ImageRequest image) {
    return ImageSpec.newBuilder()
        .setImage(image.image())
        .setUserSpecifiedImage(image.userSpecifiedImage())
        .setRuntimeHandler(image.runtimeHandler())
        .putAllAnnotations(image.annotations())
        .build();
  }

  private static ContainerUser user(ContainerSnapshot.User user) {
    return ContainerUser.newBuilder()
        .setLinux(
            LinuxContainerUser.newBuilder()
                .setUid(user.uid())
                .setGid(user.gid())
                .addAllSupplementalGroups(user.groups()))
        .build();
  }

  private static Mount mount(MountSpec mount) {
    Mount.Builder message =
        Mount.newBuilder()
            .setContainerPath(mount.containerPath())
            .setHostPath(mount.hostPath())
            .setReadonly(mount.readonly())
            .setRecursiveReadOnly(mount.recursiveReadonly())
            .setSelinuxRelabel(mount.selinuxRelabel())
            .setPropagation(propagation(mount.propagation()))
            .setImageSubPath(mount.imageSubPath())
            .addAllMountOptions(mount.mountOptions());
    mount.uidMappings().forEach(id -> message.addUidMappings(SandboxMessages.mapping(id)));
    mount.gidMappings().forEach(id -> message.addGidMappings(SandboxMessages.mapping(id)));
    mount.image().ifPresent(image -> message.setImage(image(image)));
    return message.build();
  }

  private static MountPropagation propagation(MountSpec.Propagation propagation) {
    return switch (propagation) {
      case PRIVATE -> MountPropagation.PROPAGATION_PRIVATE;
      case HOST_TO_CONTAINER -> MountPropagation.PROPAGATION_HOST_TO_CONTAINER;
      case BIDIRECTIONAL -> MountPropagation.PROPAGATION_BIDIRECTIONAL;
    };
  }
}
