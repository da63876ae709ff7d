package dev.molo.pod;

import dev.molo.fault.FaultException;
import dev.molo.linux.BlockingCalls;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.SandboxSpec;
import java.time.Duration;
import java.util.Optional;

/**
 * Opens container logs. A log path is the caller's, its folder may be written by others: below the
 * sandbox's log directory no symbolic link is followed and nothing outside is reached (openat2(2)
 * with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS).
 *
 * <p>A log folder may lie on a dead disk. So the calls have a small pool of their own, which nobody
 * else misses when all of it hangs there, and nobody waits for them longer than ten seconds.
 * Thread-safe.
 */
final class LogFiles {
  private static final int FILE_MODE = 0640;
  private static final int FOLDER_MODE = 0755;

  /** O_NONBLOCK: a pipe that somebody put there is refused instead of waited for. */
  private static final int FLAGS =
      OpenFlags.O_WRONLY
          | OpenFlags.O_CREAT
          | OpenFlags.O_APPEND
          | OpenFlags.O_NONBLOCK
          | OpenFlags.O_NOCTTY;

  private static final long BELOW = OpenFlags.RESOLVE_BENEATH | OpenFlags.RESOLVE_NO_SYMLINKS;

  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final int THREADS = 8;
  private static final int QUEUE = 256;

  private final Linux linux;
  private final BlockingCalls calls = new BlockingCalls(THREADS, QUEUE);

  LogFiles(Linux linux) {
    this.linux = linux;
  }

  /** Where the log of a container lies; empty when none is kept. */
  static Optional<String> path(SandboxSpec sandbox, ContainerSpec container) {
    if (sandbox.logDirectory().isEmpty() || container.logPath().isEmpty()) {
      return Optional.empty();
    }
    String slash = sandbox.logDirectory().endsWith("/") ? "" : "/";
    return Optional.of(sandbox.logDirectory() + slash + container.logPath());
  }

  /**
   * Opens the log for appending, and makes file and folders where they are missing; empty when none
   * is kept. The caller closes it.
   *
   * @throws LinuxException ETIMEDOUT when the disk does not answer
   */
  Optional<Fd> open(SandboxSpec sandbox, ContainerSpec container) {
    return path(sandbox, container)
        .map(path ->
            calls.runWithin(
                LIMIT,
                "open log " + path,
                () -> openBelow(sandbox.logDirectory(), container.logPath()),
                Fd::close));
  }

  /** The file at {@code relative} below {@code directory}, or a refusal. */
  Fd openBelow(String directory, String relative) {
    try (Fd root = logDirectory(directory)) {
      Fd log = openOrMake(root, relative);
      if (!linux.files().fstat(log).isRegular()) {
        log.close();
        throw refused(directory, relative, "it is no regular file");
      }
      return log;
    } catch (LinuxException e) {
      if (e.errno() == Errno.ELOOP || e.errno() == Errno.EXDEV) {
        String why = "it leads through a symbolic link or out of the directory";
        throw refused(directory, relative, why);
      }
      if (e.errno() == Errno.ENXIO) {
        throw refused(directory, relative, "it is a pipe or socket");
      }
      throw e;
    }
  }

  private static FaultException refused(String directory, String relative, String why) {
    return FaultException.invalid("open log_path %s below %s: %s", relative, directory, why);
  }

  private Fd openOrMake(Fd root, String relative) {
    try {
      return linux.files().openat2(root, relative, FLAGS, FILE_MODE, BELOW);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT || !relative.contains("/")) {
        throw e;
      }
    }
    makeFolders(root, relative.substring(0, relative.lastIndexOf('/')));
    return linux.files().openat2(root, relative, FLAGS, FILE_MODE, BELOW);
  }

  private Fd logDirectory(String path) {
    int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY;
    try {
      return linux.files().open(path, flags);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
    }
    try (Fd top = linux.files().open("/", flags)) {
      makeFoldersFollowing(top, path);
      return linux.files().open(path, flags);
    }
  }

  /** The orchestrator named this path: its own links are followed, as mkdir -p does. */
  private void makeFoldersFollowing(Fd top, String path) {
    StringBuilder so = new StringBuilder();
    for (String part : path.split("/+")) {
      if (!part.isEmpty()) {
        so.append('/').append(part);
        makeFolder(top, so.toString());
      }
    }
  }

  private void makeFolders(Fd root, String relative) {
    StringBuilder so = new StringBuilder();
    for (String part : relative.split("/+")) {
      String parent = so.isEmpty() ? "." : so.toString();
      try (Fd in =
          linux.files().openat2(root, parent, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY, 0, BELOW)) {
        makeFolder(in, part);
      }
      so.append(so.isEmpty() ? "" : "/").append(part);
    }
  }

  private void makeFolder(Fd in, String name) {
    try {
      linux.files().mkdirat(in, name, FOLDER_MODE);
    } catch (LinuxException e) {
      if (e.errno() != Errno.EEXIST) {
        throw e;
      }
    }
  }
}
