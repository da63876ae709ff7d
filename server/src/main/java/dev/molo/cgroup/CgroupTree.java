package dev.molo.cgroup;

import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/** Ends and removes whole subtrees. */
final class CgroupTree {
  private static final int MAX_DEPTH = 64;
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration LONGEST_PAUSE = Duration.ofMillis(20);

  private CgroupTree() {}

  /** SIGKILL for every process in the subtree, forks under way included (cgroup.kill). */
  static void kill(CgroupDirectory directory) {
    try {
      directory.write("cgroup.kill", "1");
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENODEV && e.errno() != Errno.ENOENT) {
        throw e;
      }
      // ENODEV: it was removed meanwhile, so nothing lives in it
    }
  }

  /**
   * Kills what lives in {@code parent}'s child and removes it with all below. Nothing happens when
   * it is gone.
   *
   * @throws LinuxException EBUSY when processes in it do not die (they are in the kernel)
   */
  static void remove(CgroupDirectory parent, byte[] name) {
    Optional<CgroupDirectory> found = parent.child(name);
    if (found.isEmpty()) {
      return;
    }
    try (CgroupDirectory directory = found.get()) {
      if (directory.populated()) {
        kill(directory);
      }
      removeChildren(directory, 1);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENODEV && e.errno() != Errno.ENOENT) {
        throw e;
      }
      // removed by somebody else while we looked; the rmdir below finds that out. A file in a
      // removed
      // cgroup says ENODEV, the listing of one ENOENT
    }
    removeWhenEmpty(parent, name);
  }

  private static void removeChildren(CgroupDirectory directory, int depth) {
    if (depth > MAX_DEPTH) {
      throw new LinuxException("rmdir", Errno.ELOOP, directory + " is nested too deeply");
    }
    for (byte[] name : directory.children()) {
      directory
          .child(name)
          .ifPresent(child -> {
            try (child) {
              removeChildren(child, depth + 1);
            }
          });
      removeWhenEmpty(directory, name);
    }
  }

  /** A killed process leaves its cgroup a moment later: EBUSY until then. */
  private static void removeWhenEmpty(CgroupDirectory parent, byte[] name) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    long pause = Duration.ofMillis(1).toNanos() / 4;
    while (!parent.removeChild(name)) {
      if (System.nanoTime() - end > 0) {
        throw new LinuxException(
            "rmdir",
            Errno.EBUSY,
            "%s/%s after %d s: %s"
                .formatted(
                    parent,
                    new String(name, StandardCharsets.UTF_8),
                    PATIENCE.toSeconds(),
                    survivors(parent, name)));
      }
      sleep(pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE.toNanos());
    }
  }

  private static String survivors(CgroupDirectory parent, byte[] name) {
    return parent
        .child(name)
        .map(child -> {
          try (child) {
            String pids = child.read("cgroup.procs").trim().replace('\n', ' ');
            return pids.isEmpty() ? "no process is left in it" : "still in it: " + pids;
          }
        })
        .orElse("it has just gone");
  }

  private static void sleep(long nanos) {
    try {
      Thread.sleep(Duration.ofNanos(nanos));
    } catch (InterruptedException e) {
      // a removal goes on when its caller is gone, or the cgroup would be left
      Thread.currentThread().interrupt();
      java.util.concurrent.locks.LockSupport.parkNanos(nanos);
    }
  }
}
