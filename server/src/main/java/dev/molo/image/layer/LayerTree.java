package dev.molo.image.layer;

import dev.molo.linux.DirEntry;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.FileMode;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Stat;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The directory tree of a layer that is being made, addressed so that nothing can leave it: every
 * directory is opened from the root's descriptor with {@code RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS},
 * and where an archive puts an entry below a symbolic link of its own, the link is followed here,
 * by name, with the layer's root as its root.
 *
 * <p>Names are Latin-1 strings, a character a byte. One thread; nobody else writes the tree
 * meanwhile.
 */
final class LayerTree implements AutoCloseable {
  private static final long INSIDE =
      OpenFlags.RESOLVE_BENEATH
          | OpenFlags.RESOLVE_NO_SYMLINKS
          | OpenFlags.RESOLVE_NO_MAGICLINKS
          | OpenFlags.RESOLVE_NO_XDEV;

  private static final int DIRECTORY =
      OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;
  private static final int OPEN_DIRECTORIES = 32;
  private static final int MAX_LINKS = 40;
  private static final int REMOVED_AT_ONCE = 1024;
  private static final int IMPLIED_MODE = 0755;
  static final String ACCESS_ACL = "system.posix_acl_access";
  static final String DEFAULT_ACL = "system.posix_acl_default";

  /** Hears of what disappears when an entry takes another one's place. */
  interface RemovalListener {
    void removed(Stat stat);
  }

  /** Takes what is to be removed, when it has a use for it. */
  interface Spared {
    /** False: not taken, it goes. */
    boolean take(Fd parent, byte[] name, String path, Stat stat);

    /** Takes nothing. */
    static Spared nothing() {
      return (parent, name, path, stat) -> false;
    }
  }

  /**
   * A name in an open directory.
   *
   * @param parent the directory; valid until the next {@link #locate}s have pushed it out of the
   *     cache
   * @param directory its path below the root without symbolic links, empty for the root
   * @param name one component
   */
  record Place(Fd parent, String directory, String name) {
    byte[] nameBytes() {
      return bytes(name);
    }

    /** The path below the root. */
    String path() {
      return directory.isEmpty() ? name : directory + "/" + name;
    }
  }

  private record Directory(Fd fd, String canonical) {}

  private final Files files;
  private final Fd root;
  private final RemovalListener removals;
  private final Spared spared;
  private final LinkedHashMap<String, Directory> open = new LinkedHashMap<>(64, 0.75f, true);
  private long impliedDirectories;
  private boolean heirs;

  LayerTree(Files files, Fd root, RemovalListener removals, Spared spared) {
    this.files = files;
    this.root = root;
    this.removals = removals;
    this.spared = spared;
  }

  static byte[] bytes(String latin1) {
    return latin1.getBytes(StandardCharsets.ISO_8859_1);
  }

  /**
   * The components of a name in an archive; absolute names are taken as relative, {@code ..} is
   * refused.
   */
  static List<String> components(String name) throws TarFormatException {
    List<String> parts = new ArrayList<>();
    int start = 0;
    while (start <= name.length()) {
      int slash = name.indexOf('/', start);
      int end = slash < 0 ? name.length() : slash;
      String part = name.substring(start, end);
      if (part.equals("..")) {
        throw new TarFormatException("a name has a .. in it");
      }
      if (!part.isEmpty() && !part.equals(".")) {
        parts.add(part);
      }
      start = end + 1;
    }
    return parts;
  }

  /**
   * Where an entry belongs; its directory is made when the archive has not said anything about it.
   */
  Place locate(List<String> components) throws TarFormatException {
    int last = components.size() - 1;
    Directory directory = directory(String.join("/", components.subList(0, last)));
    return new Place(directory.fd(), directory.canonical(), components.get(last));
  }

  /** The directory at a path without symbolic links, opened anew; the caller closes it. */
  Fd openCanonical(String path, int flags) {
    return files.openat2(root, bytes(path.isEmpty() ? "." : path), flags, 0, INSIDE);
  }

  /** From now on there are directories that hand something down to what is made in them. */
  void mindHeirs() {
    heirs = true;
  }

  /** Whether what is made may have got more from its directory than its name. */
  boolean hasHeirs() {
    return heirs;
  }

  /**
   * Takes from what has just been made the ACLs that its directory gave it; an archive says all
   * that a file is to have. Owner and mode are to be set afterwards.
   */
  void disinherit(Place place) {
    if (heirs) {
      disinherit(place.parent(), place.nameBytes());
    }
  }

  private void disinherit(Fd parent, byte[] name) {
    for (String acl : List.of(ACCESS_ACL, DEFAULT_ACL)) {
      try {
        files.lremovexattr(parent, name, acl);
      } catch (LinuxException e) {
        // Only directories have a default one, and not every file system has ACLs.
        if (e.errno() != Errno.ENODATA
            && e.errno() != Errno.EOPNOTSUPP
            && e.errno() != Errno.EACCES) {
          throw e;
        }
      }
    }
  }

  /**
   * The root, which the store has made, is not to have what the store's own directory hands down.
   */
  void disinheritRoot() {
    Stat stat = files.fstat(root);
    boolean heir =
        stat.gid() != 0
            || (stat.permissions() & FileMode.S_ISGID) != 0
            || files.getxattr(root, ACCESS_ACL).isPresent()
            || files.getxattr(root, DEFAULT_ACL).isPresent();
    if (heir) {
      heirs = true;
      disinherit(root, bytes("."));
      files.fchown(root, 0, 0);
      files.fchmod(root, IMPLIED_MODE);
    }
  }

  /** How many directories were made because entries lay below them. */
  long impliedDirectories() {
    return impliedDirectories;
  }

  Optional<Stat> stat(Place place) {
    return files.statxIfPresent(place.parent(), place.nameBytes(), OpenFlags.AT_SYMLINK_NOFOLLOW);
  }

  static boolean isWhiteout(Stat stat) {
    return stat.isCharacterDevice() && stat.special().major() == 0 && stat.special().minor() == 0;
  }

  /**
   * Takes away what is at a place, a directory with all that is in it. The place's directory stays
   * open.
   */
  void remove(Place place, Stat stat) {
    removeOne(place.parent(), place.nameBytes(), place.path(), stat);
    if (stat.isDirectory() || stat.isSymbolicLink()) {
      forget(place.parent());
    }
  }

  /** Directories reached through what was removed lead nowhere now. */
  private void forget(Fd except) {
    open.values()
        .removeIf(directory -> {
          if (directory.fd() == except) {
            return false;
          }
          close(directory);
          return true;
        });
  }

  private void removeOne(Fd parent, byte[] name, String path, Stat stat) {
    if (stat.isDirectory()) {
      removeTree(path);
      return;
    }
    if (spared.take(parent, name, path, stat)) {
      return;
    }
    files.unlinkat(parent, name, 0);
    removals.removed(stat);
  }

  /**
   * However deep and wide it is: a few descriptors, a few names at a time, and of what lies deeper
   * the paths.
   */
  private void removeTree(String top) {
    Deque<String> left = new ArrayDeque<>(List.of(top));
    while (!left.isEmpty()) {
      String path = left.getLast();
      try (Fd directory = openCanonical(path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
        if (removeSome(directory, path, left)) {
          continue;
        }
      }
      int slash = path.lastIndexOf('/');
      try (Fd parent = openCanonical(path.substring(0, Math.max(0, slash)), DIRECTORY)) {
        byte[] name = bytes(path.substring(slash + 1));
        Stat stat = files.statx(parent, name, OpenFlags.AT_SYMLINK_NOFOLLOW);
        files.unlinkat(parent, name, OpenFlags.AT_REMOVEDIR);
        removals.removed(stat);
      }
      left.removeLast();
    }
  }

  /**
   * Removes some of what is in a directory, and lays its directories upon those that are left.
   *
   * @return false when it is empty
   */
  private boolean removeSome(Fd directory, String path, Deque<String> left) {
    List<DirEntry> some = files.listSome(directory, REMOVED_AT_ONCE);
    for (DirEntry entry : some) {
      byte[] child = entry.nameBytes();
      Stat stat = files.statx(directory, child, OpenFlags.AT_SYMLINK_NOFOLLOW);
      String childPath = path + "/" + new String(child, StandardCharsets.ISO_8859_1);
      if (!stat.isDirectory()) {
        removeOne(directory, child, childPath, stat);
      } else if (left.size() < REMOVED_AT_ONCE || left.getLast().equals(path)) {
        left.addLast(childPath);
      }
    }
    return !some.isEmpty();
  }

  private Directory directory(String raw) throws TarFormatException {
    if (raw.isEmpty()) {
      return new Directory(root, "");
    }
    Directory known = open.get(raw);
    if (known != null) {
      return known;
    }
    Directory found = openOrMake(raw);
    open.put(raw, found);
    if (open.size() > OPEN_DIRECTORIES) {
      var eldest = open.entrySet().iterator();
      Map.Entry<String, Directory> entry = eldest.next();
      close(entry.getValue());
      eldest.remove();
    }
    return found;
  }

  private Directory openOrMake(String raw) throws TarFormatException {
    try {
      return new Directory(files.openat2(root, bytes(raw), DIRECTORY, 0, INSIDE), raw);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT && e.errno() != Errno.ELOOP && e.errno() != Errno.ENOTDIR) {
        throw e;
      }
    }
    String canonical = String.join("/", walk(raw));
    return new Directory(openCanonical(canonical, DIRECTORY), canonical);
  }

  /**
   * Follows the path component by component, making what is missing; the result has no symbolic
   * link in it.
   */
  private List<String> walk(String raw) throws TarFormatException {
    Deque<String> ahead = new ArrayDeque<>(List.of(raw.split("/")));
    List<String> canonical = new ArrayList<>();
    int links = 0;
    while (!ahead.isEmpty()) {
      String part = ahead.removeFirst();
      if (part.isEmpty() || part.equals(".")) {
        continue;
      }
      if (part.equals("..")) {
        // Only a link's target gets here with "..", and the root's parent is the root, as the
        // kernel has it.
        if (!canonical.isEmpty()) {
          canonical.removeLast();
        }
        continue;
      }
      Optional<String> target = enter(String.join("/", canonical), part);
      if (target.isEmpty()) {
        canonical.add(part);
        continue;
      }
      if (++links > MAX_LINKS) {
        throw new TarFormatException("an entry lies below a loop of symbolic links");
      }
      if (target.get().startsWith("/")) {
        canonical.clear();
      }
      List<String> parts = List.of(target.get().split("/"));
      for (int i = parts.size() - 1; i >= 0; i--) {
        ahead.addFirst(parts.get(i));
      }
    }
    return canonical;
  }

  /** Makes the directory if nothing is there; gives a symbolic link's target. */
  private Optional<String> enter(String directory, String name) throws TarFormatException {
    try (Fd parent = openCanonical(directory, DIRECTORY)) {
      Optional<Stat> stat =
          files.statxIfPresent(parent, bytes(name), OpenFlags.AT_SYMLINK_NOFOLLOW);
      if (stat.isEmpty()) {
        makeImplied(parent, name);
        return Optional.empty();
      }
      if (stat.get().isSymbolicLink()) {
        return Optional.of(
            new String(files.readlinkat(parent, bytes(name)), StandardCharsets.ISO_8859_1));
      }
      if (isWhiteout(stat.get())) {
        // The archive hid what lower layers have here, then put something below it: a new, opaque
        // directory.
        files.unlinkat(parent, bytes(name), 0);
        removals.removed(stat.get());
        makeImplied(parent, name);
        files.lsetxattr(
            parent, bytes(name), Whiteouts.OPAQUE_ATTRIBUTE, Whiteouts.opaqueValue(), 0);
        return Optional.empty();
      }
      if (!stat.get().isDirectory()) {
        throw new TarFormatException("an entry lies below something that is not a directory");
      }
      return Optional.empty();
    }
  }

  private void makeImplied(Fd parent, String name) {
    files.mkdirat(parent, bytes(name), IMPLIED_MODE);
    impliedDirectories++;
    if (heirs) {
      disinherit(parent, bytes(name));
      files.fchownat(parent, bytes(name), 0, 0, OpenFlags.AT_SYMLINK_NOFOLLOW);
      files.fchmodat(parent, bytes(name), IMPLIED_MODE, OpenFlags.AT_SYMLINK_NOFOLLOW);
    }
  }

  private static void close(Directory directory) {
    directory.fd().close();
  }

  @Override
  public void close() {
    open.values().forEach(LayerTree::close);
    open.clear();
  }
}
