package dev.molo.config;

import java.nio.file.Path;

/** Where and how cgroups are made. Unified hierarchy (v2) only. */
public record CgroupConfig(
    @Key(
            value = "The mount point of the unified hierarchy.",
            derived =
                "`/sys/fs/cgroup`, or `/sys/fs/cgroup/unified` where that is the only v2 mount")
        Path mount,
    @Key(
            value = "The cgroup of pods whose request names no parent; below the mount point.",
            derived = "`/molo`, `/molo-NAME`")
        String root,
    @Key("Who makes cgroups: the daemon in the file system, or systemd.") Driver driver,
    @Key(
            "A limit whose controller this host lacks: `refuse` the request, or `warn` once and"
                + " show it in the container's status.")
        MissingControllers missingControllers) {

  /** Who makes cgroups. */
  public enum Driver {
    CGROUPFS,
    SYSTEMD
  }

  /** What a limit without its controller leads to. */
  public enum MissingControllers {
    REFUSE,
    WARN
  }
}
