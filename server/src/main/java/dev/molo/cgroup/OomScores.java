package dev.molo.cgroup;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The kernel's choice of whom to kill for memory is a property of each process, not of a cgroup:
 * proc_pid_oom_score_adj(5). Children inherit it.
 */
final class OomScores {
  private static final int DIRECTORY = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY;

  /** A process that forks while we look has a child with the old value: another look finds it. */
  private static final int MOST_LOOKS = 10;

  private OomScores() {}

  /**
   * Gives every process in the subtree the value.
   *
   * @param value -1000 to 1000
   * @throws LinuxException EACCES when it is lower than this daemon may go
   */
  static void write(Files files, CgroupDirectory directory, long value) {
    for (byte[] name : directory.children()) {
      directory.child(name).ifPresent(child -> writeAndClose(files, child, value));
    }
    List<String> done = List.of();
    for (int look = 0; look < MOST_LOOKS; look++) {
      List<String> present = processes(directory);
      if (done.containsAll(present)) {
        return;
      }
      writeAll(files, directory, present, value);
      done = present;
    }
  }

  private static void writeAndClose(Files files, CgroupDirectory child, long value) {
    try (child) {
      write(files, child, value);
    }
  }

  /**
   * The number of a process that has ended may be another's by now: who is still listed is ours.
   */
  private static void writeAll(
      Files files, CgroupDirectory directory, List<String> pids, long value) {
    Map<String, Fd> opened = new LinkedHashMap<>();
    try {
      for (String pid : pids) {
        open(files, pid, opened);
      }
      for (String pid : processes(directory)) {
        Fd process = opened.get(pid);
        if (process != null) {
          ifItLives(() -> files.writeControl(process, "oom_score_adj", Long.toString(value)));
        }
      }
    } finally {
      opened.values().forEach(Fd::close);
    }
  }

  private static void open(Files files, String pid, Map<String, Fd> opened) {
    ifItLives(() -> opened.put(pid, files.open("/proc/" + pid, DIRECTORY)));
  }

  private static void ifItLives(Runnable work) {
    try {
      work.run();
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT && e.errno() != Errno.ESRCH) {
        throw e;
      }
    }
  }

  private static List<String> processes(CgroupDirectory directory) {
    return directory.read("cgroup.procs").lines().toList();
  }
}
