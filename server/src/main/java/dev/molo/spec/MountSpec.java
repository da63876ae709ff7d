package dev.molo.spec;

import java.util.List;
import java.util.Optional;

/**
 * One volume of a container (CRI Mount).
 *
 * @param containerPath absolute, resolved inside the container's root
 * @param hostPath absolute; empty when {@code image} is given
 * @param image an image to mount read-only instead of a host path
 */
public record MountSpec(
    String containerPath,
    String hostPath,
    boolean readonly,
    boolean recursiveReadonly,
    boolean selinuxRelabel,
    Propagation propagation,
    List<UserNamespace.IdMapping> uidMappings,
    List<UserNamespace.IdMapping> gidMappings,
    Optional<ImageRequest> image,
    String imageSubPath,
    List<String> mountOptions) {
  public MountSpec {
    uidMappings = List.copyOf(uidMappings);
    gidMappings = List.copyOf(gidMappings);
    mountOptions = List.copyOf(mountOptions);
  }

  /** How mount events travel (CRI MountPropagation; mount_namespaces(7)). */
  public enum Propagation {
    PRIVATE,
    HOST_TO_CONTAINER,
    BIDIRECTIONAL
  }
}
