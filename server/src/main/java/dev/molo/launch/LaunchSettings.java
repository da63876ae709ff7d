package dev.molo.launch;

/**
 * What the operator has a say in.
 *
 * @param createMissingMounts a missing host path of a bind becomes a directory; else the container
 *     is refused
 * @param openFiles RLIMIT_NOFILE of containers, soft and hard; the daemon's hard limit caps it
 * @param deviceFilter attach a device filter (BPF) to containers that are not privileged
 */
public record LaunchSettings(boolean createMissingMounts, long openFiles, boolean deviceFilter) {
  /** As documented: directories are made, 1048576 descriptors, devices filtered. */
  public static final LaunchSettings DEFAULTS = new LaunchSettings(true, 1_048_576, true);
}
