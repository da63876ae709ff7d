package dev.molo.image.layer;

import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import java.util.Optional;

/**
 * What is written to the store from one moment on, and whether the disk took it. The kernel tells
 * of a write that failed behind our back once to each open file description, and only to those that
 * were open before it was told to anybody (syncfs(2), RETURN VALUE and NOTES; Linux,
 * Documentation/core-api/errseq.rst). So this holds a description of its own, opened before the
 * first write, and what it was told once it tells everybody who asks: the second syncfs would
 * succeed, though the data is lost.
 *
 * <p>{@link #sync} may be called by any thread; users are counted under the lock of their owner.
 */
final class WriteBack {
  private final Files files;
  private final Fd directory;
  private Optional<LinuxException> failure = Optional.empty();
  private int users;

  /**
   * Begins.
   *
   * @param directory on the file system that is written to; owned by this
   */
  WriteBack(Files files, Fd directory) {
    this.files = files;
    this.directory = directory;
  }

  /**
   * Everything written so far is on disk when this returns.
   *
   * @throws LinuxException when something written since the beginning was lost, each time
   */
  synchronized void sync() {
    if (failure.isPresent()) {
      throw failure.get();
    }
    try {
      files.syncfs(directory);
    } catch (LinuxException e) {
      failure = Optional.of(e);
      throw e;
    }
  }

  void retain() {
    users++;
  }

  /** Whether that was the last user; nothing can be asked any more then. */
  boolean release() {
    if (--users > 0) {
      return false;
    }
    directory.close();
    return true;
  }
}
