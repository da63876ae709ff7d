package dev.molo.image.layer;

import dev.molo.linux.DirEntry;
import dev.molo.linux.Fd;
import dev.molo.linux.FileMode;
import dev.molo.linux.Files;
import dev.molo.linux.OpenFlags;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Deletes a tree whose names and depth strangers chose. Never follows a link and never leaves the
 * directory; a tree deeper than {@link #MAX_DEPTH} is flattened on the way, and a wide one taken
 * piece by piece, so that descriptors, stack and heap stay bounded.
 */
final class TreeRemoval {
  private static final int MAX_DEPTH = 32;

  /** So many names are held of each directory on the way. */
  private static final int AT_ONCE = 1024;

  private static final int DIRECTORY =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;

  private static final AtomicLong SEQUENCE = new AtomicLong();

  private final Files files;
  private final Fd base;

  /** What is flattened lies beside what others flatten. */
  private final String deep =
      "deep-" + Long.toHexString(System.nanoTime()) + "." + SEQUENCE.incrementAndGet() + "-";

  private long count;
  private boolean again;

  /**
   * @param base the directory in which the trees to delete lie
   */
  TreeRemoval(Files files, Fd base) {
    this.files = files;
    this.base = base;
  }

  /**
   * Deletes {@code name} in the base directory, and what it had to be flattened into.
   *
   * @throws CancellationException when the thread is interrupted: some of it is left
   */
  void remove(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    remove(base, bytes, files.statx(base, bytes, OpenFlags.AT_SYMLINK_NOFOLLOW).isDirectory(), 0);
    while (again) {
      again = false;
      for (DirEntry entry : flattened()) {
        again = true;
        remove(base, entry.nameBytes(), true, 0);
      }
    }
  }

  private List<DirEntry> flattened() {
    List<DirEntry> some = new ArrayList<>();
    // Others read the same directory: through a descriptor of one's own, which has its own place.
    try (Fd own = files.openat2(base, ".", DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH)) {
      files.forEachEntry(
          own,
          entry -> {
            if (entry.name().startsWith(deep)) {
              some.add(entry);
            }
            return some.size() < AT_ONCE;
          });
    }
    return some;
  }

  private void remove(Fd parent, byte[] name, boolean directory, int depth) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("interrupted while a tree is deleted");
    }
    if (!directory) {
      files.unlinkat(parent, name, 0);
      return;
    }
    if (depth == MAX_DEPTH) {
      String moved = deep + count++;
      files.renameat2(parent, name, base, moved.getBytes(StandardCharsets.US_ASCII), 0);
      again = true;
      return;
    }
    try (Fd fd =
        files.openat2(
            parent, name, DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH | OpenFlags.RESOLVE_NO_XDEV)) {
      for (List<DirEntry> some = files.listSome(fd, AT_ONCE);
          !some.isEmpty();
          some = files.listSome(fd, AT_ONCE)) {
        for (DirEntry entry : some) {
          remove(fd, entry.nameBytes(), isDirectory(fd, entry), depth + 1);
        }
      }
    }
    files.unlinkat(parent, name, OpenFlags.AT_REMOVEDIR);
  }

  private boolean isDirectory(Fd parent, DirEntry entry) {
    if (entry.type() != 0) {
      return entry.type() == FileMode.S_IFDIR;
    }
    return files.statx(parent, entry.nameBytes(), OpenFlags.AT_SYMLINK_NOFOLLOW).isDirectory();
  }
}
