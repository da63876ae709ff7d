package dev.molo.cgroup;

import dev.molo.config.CgroupConfig.MissingControllers;
import dev.molo.config.MoloConfig;
import java.util.OptionalLong;

/**
 * How this instance uses control groups.
 *
 * @param mount the cgroup2 mount's point, as configured or found
 * @param prefix the instance's qualified name: the first part of its pods' cgroup names
 * @param root below the mount: the parent of pods whose request names none
 * @param missingControllers what becomes of limits that cannot be set
 * @param pidsLimit {@code pids.max} of a container that does not say so itself; absent: none
 */
public record CgroupSettings(
    String mount,
    String prefix,
    String root,
    MissingControllers missingControllers,
    OptionalLong pidsLimit) {
  /** What the configuration says. */
  public static CgroupSettings of(MoloConfig config) {
    return new CgroupSettings(
        config.cgroup().mount().toString(),
        config.instance().qualifiedName(),
        config.cgroup().root(),
        config.cgroup().missingControllers(),
        OptionalLong.empty());
  }
}
