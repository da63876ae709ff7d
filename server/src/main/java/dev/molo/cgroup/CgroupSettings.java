package dev.molo.cgroup;

import java.util.OptionalLong;

/**
 * How this instance uses control groups.
 *
 * @param instance the instance's name: the first part of its pods' cgroup names
 * @param root below the cgroup2 mount: the parent of pods whose request names none; empty: {@code
 *     pods} in the daemon's own cgroup where systemd has delegated it, else {@code /INSTANCE}
 * @param missingControllers what becomes of limits that cannot be set
 * @param pidsLimit {@code pids.max} of a container that does not say so itself; absent: none
 */
public record CgroupSettings(
    String instance,
    String root,
    MissingControllers missingControllers,
    OptionalLong pidsLimit) {
  /** The given instance with defaults: no root, limits refused, no limit of processes. */
  public static CgroupSettings of(String instance) {
    return new CgroupSettings(instance, "", MissingControllers.REFUSE, OptionalLong.empty());
  }
}
