package dev.molo.image.layer;

import dev.molo.image.Quoted;
import dev.molo.linux.DirEntry;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Stat;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Whether a layer's tree is as it was unpacked: names, kinds, modes, owners, sizes, times, links,
 * devices and attributes, against a tree that was made the same way just now. Contents are not read
 * here. However many files there are, little of them is held. One thread.
 */
final class TreeComparison {
  private static final int OPEN = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;

  /** So many files with several names are held; of further ones only the number of names counts. */
  private static final int MOST_LINKED = 1 << 16;

  private static final long INSIDE =
      OpenFlags.RESOLVE_BENEATH | OpenFlags.RESOLVE_NO_SYMLINKS | OpenFlags.RESOLVE_NO_XDEV;

  private final Files files;
  private final Fd actual;
  private final Fd expected;
  private final Set<String> timedDirectories;

  /** Of files with several names, as far as they are held: which inode is which. */
  private final Map<Long, Long> linked = new HashMap<>();

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
    try (PathQueue ahead = new PathQueue(files, expected)) {
      ahead.add("");
      Optional<String> found = compare("", files.fstat(expected), actual, expected, ".");
      for (Optional<String> path = ahead.poll();
          found.isEmpty() && path.isPresent();
          path = ahead.poll()) {
        found = directory(path.get(), ahead);
      }
      return found;
    }
  }

  private Optional<String> directory(String path, PathQueue ahead) {
    String at = path.isEmpty() ? "." : path;
    try (Fd here = files.openat2(actual, bytes(at), OPEN, 0, INSIDE);
        Fd there = files.openat2(expected, bytes(at), OPEN, 0, INSIDE)) {
      Listing listing = new Listing(path, here, there, ahead);
      files.forEachEntry(there, listing::compareNext);
      return listing.difference.or(() -> extra(path, here, there, listing.count));
    }
  }

  /** One directory on both sides, name by name. */
  private final class Listing {
    private final String path;
    private final Fd here;
    private final Fd there;
    private final PathQueue ahead;
    private Optional<String> difference = Optional.empty();
    private long count;

    Listing(String path, Fd here, Fd there, PathQueue ahead) {
      this.path = path;
      this.here = here;
      this.there = there;
      this.ahead = ahead;
    }

    /** Whether there was none. */
    boolean compareNext(DirEntry entry) {
      count++;
      String name = new String(entry.nameBytes(), StandardCharsets.ISO_8859_1);
      String whole = path.isEmpty() ? name : path + "/" + name;
      Stat should = files.statx(there, bytes(name), OpenFlags.AT_SYMLINK_NOFOLLOW);
      difference = compare(whole, should, here, there, name);
      if (should.isDirectory()) {
        ahead.add(whole);
      }
      return difference.isEmpty();
    }
  }

  /** A name that only the layer has; it has the {@code expected} ones. */
  private Optional<String> extra(String path, Fd here, Fd there, long expected) {
    AtomicLong names = new AtomicLong();
    files.forEachEntry(here, _ -> names.incrementAndGet() <= expected);
    if (names.get() <= expected) {
      return Optional.empty();
    }
    AtomicReference<Optional<String>> extra = new AtomicReference<>(Optional.empty());
    files.lseek(here, 0, OpenFlags.SEEK_SET);
    files.forEachEntry(
        here,
        entry -> {
          byte[] name = entry.nameBytes();
          boolean known =
              files.statxIfPresent(there, name, OpenFlags.AT_SYMLINK_NOFOLLOW).isPresent();
          if (!known) {
            extra.set(Optional.of(path + "/" + new String(name, StandardCharsets.ISO_8859_1)));
          }
          return known;
        });
    return extra.get().map(name -> Quoted.of(name) + " is none of the layer's");
  }

  private Optional<String> compare(String path, Stat should, Fd here, Fd there, String name) {
    Optional<Stat> found;
    try {
      found = files.statxIfPresent(here, bytes(name), OpenFlags.AT_SYMLINK_NOFOLLOW);
    } catch (LinuxException e) {
      return Optional.of(Quoted.of(path) + " cannot be looked at: " + e.getMessage());
    }
    if (found.isEmpty()) {
      return Optional.of(Quoted.of(path) + " is gone");
    }
    Stat is = found.get();
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
    if (!should.isDirectory() && !sameLinks(is, should)) {
      return Optional.of(Quoted.of(path) + " is linked otherwise than it was");
    }
    return attributes(path, here, there, name);
  }

  /** Whiteouts and implied directories are made without one. */
  private boolean hasTime(String path, Stat should) {
    return should.isDirectory() ? timedDirectories.contains(path) : !LayerTree.isWhiteout(should);
  }

  private boolean sameLinks(Stat is, Stat should) {
    if (is.links() != should.links()) {
      return false;
    }
    if (should.links() == 1
        || (linked.size() == MOST_LINKED && !linked.containsKey(should.inode()))) {
      return true;
    }
    Long before = linked.putIfAbsent(should.inode(), is.inode());
    return before == null || before == is.inode();
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
