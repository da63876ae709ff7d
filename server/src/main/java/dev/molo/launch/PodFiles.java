package dev.molo.launch;

import java.util.Optional;

/**
 * Files that {@code pod} keeps for its containers below the pod's directory: absolute host paths.
 * Each is bound into a container unless the request mounts something at that place.
 *
 * @param hosts for {@code /etc/hosts}
 * @param hostname for {@code /etc/hostname}
 * @param resolvConf for {@code /etc/resolv.conf}
 */
public record PodFiles(
    Optional<String> hosts, Optional<String> hostname, Optional<String> resolvConf) {
  /** None of them. */
  public static final PodFiles NONE =
      new PodFiles(Optional.empty(), Optional.empty(), Optional.empty());
}
