package dev.molo.launch;

import dev.molo.config.MoloConfig;
import java.util.Map;

/**
 * What the operator has a say in.
 *
 * @param createMissingMounts a missing host path of a bind becomes a directory; else the container
 *     is refused
 * @param rlimits by lower-case name as in prlimit(1), {@code soft:hard} or one number or {@code
 *     unlimited}; nofile is 1048576 unless named, what else is not named is inherited
 * @param cgroupMount where the host has mounted cgroup v2; privileged containers see it whole
 * @param apparmorDefault what this instance's default AppArmor profile is called
 */
public record LaunchSettings(
    boolean createMissingMounts,
    Map<String, String> rlimits,
    String cgroupMount,
    String apparmorDefault) {
  /** As documented: directories are made, 1048576 descriptors. */
  public static final LaunchSettings DEFAULTS =
      new LaunchSettings(true, Map.of(), "/sys/fs/cgroup", "molo-default");

  /** Copies the map. */
  public LaunchSettings {
    rlimits = Map.copyOf(rlimits);
  }

  /** What the configuration says. */
  public static LaunchSettings of(MoloConfig config) {
    return new LaunchSettings(
        config.mounts().createMissing(),
        config.rlimits(),
        config.cgroup().mount().toString(),
        config.instance().qualifiedName() + "-default");
  }
}
