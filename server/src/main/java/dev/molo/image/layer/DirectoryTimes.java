package dev.molo.image.layer;

import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.TimeSpec;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.TreeMap;

/**
 * The times that an archive gives to directories. They can be set only when everything is there,
 * because making a file changes the time of its directory. Until then they are held in memory;
 * where they are too many for that, each directory carries its own as its time of last access,
 * which making files does not touch, and all directories are looked through once at the end. One
 * thread.
 */
final class DirectoryTimes {
  /** As many as are held. They take some 3 MiB. */
  static final int MOST = 1 << 14;

  private static final int LISTED =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;

  private final Files files;
  private final LayerTree tree;
  private final TreeMap<String, TimeSpec> times = new TreeMap<>();
  private boolean tooMany;

  /** None yet, of the directories of {@code tree}. */
  DirectoryTimes(Files files, LayerTree tree) {
    this.files = files;
    this.tree = tree;
  }

  /** A directory's; it is there. The root's path is empty. */
  void put(String path, TimeSpec time) {
    if (tooMany) {
      set(path, time);
      return;
    }
    times.put(path, time);
    if (times.size() > MOST) {
      times.forEach(this::set);
      times.clear();
      tooMany = true;
    }
  }

  /** A directory is gone, and what was below it. */
  void forget(String path) {
    times.remove(path);
    times.subMap(path + "/", path + (char) ('/' + 1)).clear();
  }

  /** Everything is there. */
  void settle() {
    if (!tooMany) {
      times.forEach(this::set);
      return;
    }
    try (Fd root = tree.openCanonical("", LISTED);
        PathQueue ahead = new PathQueue(files, root)) {
      ahead.add("");
      for (var path = ahead.poll(); path.isPresent(); path = ahead.poll()) {
        settle(path.get(), ahead);
      }
    }
  }

  /** Looked at before it is listed, which may count as an access. */
  private void settle(String path, PathQueue ahead) {
    try (Fd directory = tree.openCanonical(path, LISTED)) {
      TimeSpec time = files.fstat(directory).accessed();
      files.forEachEntry(
          directory,
          entry -> {
            byte[] name = entry.nameBytes();
            if (entry.type() == 0
                ? files.statx(directory, name, OpenFlags.AT_SYMLINK_NOFOLLOW).isDirectory()
                : entry.isDirectory()) {
              String child = new String(name, StandardCharsets.ISO_8859_1);
              ahead.add(path.isEmpty() ? child : path + "/" + child);
            }
            return true;
          });
      files.utimensat(directory, new byte[0], time, time, OpenFlags.AT_EMPTY_PATH);
    }
  }

  private void set(String path, TimeSpec time) {
    try (Fd directory = tree.openCanonical(path, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY)) {
      files.utimensat(directory, new byte[0], time, time, OpenFlags.AT_EMPTY_PATH);
    }
  }

  /** The directories that have one of the archive's; none where they were too many to hold. */
  Set<String> paths() {
    return times.keySet();
  }
}
