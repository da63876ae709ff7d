package dev.molo.cgroup;

import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import java.util.Comparator;
import java.util.Set;
import java.util.TreeSet;

/**
 * Where the host has mounted the cgroup2 hierarchy.
 *
 * @param path {@code /sys/fs/cgroup} (unified) or, beside version 1, {@code /sys/fs/cgroup/unified}
 * @param hybrid version 1 hierarchies are mounted too, and hold some controllers
 * @param controllers what the hierarchy's root offers: cpu, memory, pids, …
 */
public record CgroupMount(String path, boolean hybrid, Set<String> controllers) {
  public CgroupMount {
    controllers = Set.copyOf(controllers);
  }

  /**
   * Finds the mount.
   *
   * @throws UnsupportedOperationException when this host has none, with what to do about it
   */
  public static CgroupMount find(Linux linux) {
    String mounts = linux.files().readText(Fd.AT_FDCWD, "/proc/self/mountinfo");
    String path =
        mounts
            .lines()
            .map(MountLine::of)
            .filter(line -> line.type().equals("cgroup2") && line.root().equals("/"))
            .map(MountLine::point)
            .min(Comparator.comparingInt(CgroupMount::preference))
            .orElseThrow(
                () ->
                    new UnsupportedOperationException(
                        "no cgroup2 file system is mounted; boot with"
                            + " systemd.unified_cgroup_hierarchy=1 or: mount -t cgroup2 none"
                            + " /sys/fs/cgroup/unified"));
    boolean hybrid =
        mounts.lines().map(MountLine::of).anyMatch(line -> line.type().equals("cgroup"));
    String controllers = linux.files().readText(Fd.AT_FDCWD, path + "/cgroup.controllers");
    return new CgroupMount(path, hybrid, words(controllers));
  }

  static Set<String> words(String line) {
    Set<String> words = new TreeSet<>();
    for (String word : line.trim().split("\\s+")) {
      if (!word.isEmpty()) {
        words.add(word);
      }
    }
    return words;
  }

  private static int preference(String point) {
    return switch (point) {
      case "/sys/fs/cgroup" -> 0;
      case "/sys/fs/cgroup/unified" -> 1;
      default -> 2;
    };
  }

  /** The parts of a line of mountinfo (proc_pid_mountinfo(5)) that matter here. */
  private record MountLine(String root, String point, String type) {
    static MountLine of(String line) {
      String[] halves = line.split(" - ", 2);
      String[] left = halves[0].split(" ");
      String type = halves.length < 2 ? "" : halves[1].split(" ", 2)[0];
      return left.length < 5 ? new MountLine("", "", "") : new MountLine(left[3], left[4], type);
    }
  }
}
