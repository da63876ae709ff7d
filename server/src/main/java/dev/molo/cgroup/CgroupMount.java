package dev.molo.cgroup;

import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import java.util.List;
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
   * Checks that {@code path} is a cgroup2 mount and sees what it offers.
   *
   * @throws UnsupportedOperationException when it is not, with what to do about it
   */
  public static CgroupMount at(Linux linux, String path) {
    String mounts = linux.files().readText(Fd.AT_FDCWD, "/proc/self/mountinfo");
    List<MountLine> lines = mounts.lines().map(MountLine::of).toList();
    boolean mounted =
        lines.stream().anyMatch(line -> line.type().equals("cgroup2") && line.point().equals(path));
    if (!mounted) {
      throw new UnsupportedOperationException(
          "no cgroup2 file system is mounted at "
              + path
              + " (cgroup.mount); boot with systemd.unified_cgroup_hierarchy=1, or: mount -t"
              + " cgroup2 none "
              + path);
    }
    boolean hybrid = lines.stream().anyMatch(line -> line.type().equals("cgroup"));
    String controllers = linux.files().readText(Fd.AT_FDCWD, path + "/cgroup.controllers");
    return new CgroupMount(path, hybrid, words(controllers));
  }

  static Set<String> words(String line) {
    Set<String> words = new TreeSet<>();
    for (String word : line.trim().split("\\s+", -1)) {
      if (!word.isEmpty()) {
        words.add(word);
      }
    }
    return words;
  }

  /** The parts of a line of mountinfo (proc_pid_mountinfo(5)) that matter here. */
  private record MountLine(String point, String type) {
    static MountLine of(String line) {
      String[] halves = line.split(" - ", 2);
      String[] left = halves[0].split(" ", -1);
      String type = halves.length < 2 ? "" : halves[1].split(" ", 2)[0];
      return left.length < 5 ? new MountLine("", "") : new MountLine(left[4], type);
    }
  }
}
