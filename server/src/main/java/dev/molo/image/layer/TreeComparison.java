package dev.molo.image.layer;

import dev.molo.image.Quoted;
import dev.molo.linux.DirEntry;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Stat;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Whether a layer's tree is as it was unpacked: names, kinds, modes, owners, sizes, times, links,
 * devices and attributes, against a tree that was made the same way just now. Contents are not read
 * here. One thread.
 */
final class TreeComparison {
  private static final int OPEN = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;
  private static final long INSIDE =
      OpenFlags.RESOLVE_BENEATH | OpenFlags.RESOLVE_NO_SYMLINKS | OpenFlags.RESOLVE_NO_XDEV;

  private final Files files;
  private final Fd actual;
  private final Fd expected;
  private final Set<String> timedDirectories;
  private final Map<Long, String> actualLinks = new HashMap<>();
  private final Map<Long, String> expectedLinks = new HashMap<>();

  /**
   * @param timedDirectories those whose time the archive gives; that of others is when they were
   *     made
   */
  TreeComparison(Files files, Fd actual, Fd expected, Set<String> timedDirectories) {
    this.files = files;
    this.actual = actual;
    this.expected = expected;
    this.timedDirectories = timedDirectories;
  }

  /** The first difference, in a sentence. */
  Optional<String> difference() {
    Deque<String> ahead = new ArrayDeque<>(List.of(""));
    Optional<String> root = compare("", files.fstat(expected), actual, expected, ".");
    while (root.isEmpty() && !ahead.isEmpty()) {
      root = directory(ahead.removeFirst(), ahead);
    }
    return root;
  }

  private Optional<String> directory(String path, Deque<String> ahead) {
    String at = path.isEmpty() ? "." : path;
    try (Fd here = files.openat2(actual, bytes(at), OPEN, 0, INSIDE);
        Fd there = files.openat2(expected, bytes(at), OPEN, 0, INSIDE)) {
      Map<String, DirEntry> found = names(here);
      for (String name : names(there).keySet()) {
        String whole = path.isEmpty() ? name : path + "/" + name;
        if (found.remove(name) == null) {
          return Optional.of(Quoted.of(whole) + " is gone");
        }
        Stat should = files.statx(there, bytes(name), OpenFlags.AT_SYMLINK_NOFOLLOW);
        Optional<String> difference = compare(whole, should, here, there, name);
        if (difference.isPresent()) {
          return difference;
        }
        if (should.isDirectory()) {
          ahead.addLast(whole);
        }
      }
      return found.keySet().stream()
          .findFirst()
          .map(extra -> Quoted.of(path + "/" + extra) + " is none of the layer's");
    }
  }

  private Map<String, DirEntry> names(Fd directory) {
    Map<String, DirEntry> names = new TreeMap<>();
    for (DirEntry entry : files.list(directory)) {
      names.put(new String(entry.nameBytes(), StandardCharsets.ISO_8859_1), entry);
    }
    return names;
  }

  private Optional<String> compare(String path, Stat should, Fd here, Fd there, String name) {
    Stat is;
    try {
      is = files.statx(here, bytes(name), OpenFlags.AT_SYMLINK_NOFOLLOW);
    } catch (LinuxException e) {
      return Optional.of(Quoted.of(path) + " cannot be looked at: " + e.getMessage());
    }
    if (is.mode() != should.mode()) {
      return told(
          path, "mode", Integer.toOctalString(is.mode()), Integer.toOctalString(should.mode()));
    }
    if (is.uid() != should.uid() || is.gid() != should.gid()) {
      return told(path, "owner", is.uid() + ":" + is.gid(), should.uid() + ":" + should.gid());
    }
    if (!is.isDirectory() && is.size() != should.size()) {
      return told(path, "size", Long.toString(is.size()), Long.toString(should.size()));
    }
    if (!is.special().equals(should.special())) {
      return told(path, "device", is.special().toString(), should.special().toString());
    }
    if (hasTime(path, should) && !is.modified().equals(should.modified())) {
      return told(path, "time", is.modified().toString(), should.modified().toString());
    }
    if (should.isSymbolicLink()
        && !Arrays.equals(
            files.readlinkat(here, bytes(name)), files.readlinkat(there, bytes(name)))) {
      return Optional.of(Quoted.of(path) + " points elsewhere than it did");
    }
    if (!should.isDirectory() && !sameLinks(path, is, should)) {
      return Optional.of(Quoted.of(path) + " is linked otherwise than it was");
    }
    return attributes(path, here, there, name);
  }

  /** Whiteouts and implied directories are made without one. */
  private boolean hasTime(String path, Stat should) {
    return should.isDirectory() ? timedDirectories.contains(path) : !LayerTree.isWhiteout(should);
  }

  private boolean sameLinks(String path, Stat is, Stat should) {
    if (is.links() != should.links()) {
      return false;
    }
    return should.links() == 1
        || actualLinks
            .computeIfAbsent(is.inode(), i -> path)
            .equals(expectedLinks.computeIfAbsent(should.inode(), i -> path));
  }

  private Optional<String> attributes(String path, Fd here, Fd there, String name) {
    List<String> is = attributes(here, name);
    List<String> should = attributes(there, name);
    if (!is.equals(should)) {
      return told(path, "extended attributes", is.toString(), should.toString());
    }
    for (String attribute : should) {
      byte[] value = files.lgetxattr(here, bytes(name), attribute).orElse(new byte[0]);
      if (!Arrays.equals(
          value, files.lgetxattr(there, bytes(name), attribute).orElse(new byte[0]))) {
        return Optional.of(
            Quoted.of(path) + " has another value of " + Quoted.of(attribute) + " than it had");
      }
    }
    return Optional.empty();
  }

  /**
   * Layers that an older molo unpacked are sound without the mark of directories with whiteouts.
   */
  private List<String> attributes(Fd directory, String name) {
    return files.llistxattr(directory, bytes(name)).stream()
        .filter(attribute -> !attribute.equals(Whiteouts.HOLDER_ATTRIBUTE))
        .sorted()
        .toList();
  }

  private static Optional<String> told(String path, String what, String is, String should) {
    return Optional.of(
        "%s has the %s %s instead of %s"
            .formatted(path.isEmpty() ? "its root" : Quoted.of(path), what, is, should));
  }

  private static byte[] bytes(String latin1) {
    return latin1.getBytes(StandardCharsets.ISO_8859_1);
  }
}
