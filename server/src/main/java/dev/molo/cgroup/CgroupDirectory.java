package dev.molo.cgroup;

import dev.molo.linux.DirEntry;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** One open directory of the hierarchy and the files in it. Owns its descriptor. Thread-safe. */
final class CgroupDirectory implements AutoCloseable {
  private static final int FLAGS = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY;
  private static final int FILE_LIMIT = 64 * 1024;
  private static final int MODE = 0755;

  private final Files files;
  private final Fd fd;
  private final String path;

  private CgroupDirectory(Files files, Fd fd, String path) {
    this.files = files;
    this.fd = fd;
    this.path = path;
  }

  /**
   * @param path as the host sees it
   */
  static CgroupDirectory open(Files files, String path) {
    return new CgroupDirectory(files, files.open(path, FLAGS), path);
  }

  /** Opens a child, never through a symbolic link; empty when there is none. */
  Optional<CgroupDirectory> child(byte[] name) {
    try {
      Fd child =
          files.openat2(
              fd, name, FLAGS, 0, OpenFlags.RESOLVE_BENEATH | OpenFlags.RESOLVE_NO_SYMLINKS);
      return Optional.of(
          new CgroupDirectory(files, child, path + "/" + new String(name, StandardCharsets.UTF_8)));
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  Optional<CgroupDirectory> child(String name) {
    return child(name.getBytes(StandardCharsets.UTF_8));
  }

  /** Opens a child, made if need be. */
  CgroupDirectory makeChild(String name) {
    try {
      files.mkdirat(fd, name, MODE);
    } catch (LinuxException e) {
      if (e.errno() != Errno.EEXIST) {
        throw e;
      }
    }
    return child(name)
        .orElseThrow(() -> new LinuxException("mkdirat", Errno.ENOENT, path + "/" + name));
  }

  /** Removes an empty child; whether it is gone (it may have been before). EBUSY: it is not. */
  boolean removeChild(byte[] name) {
    try {
      files.unlinkat(fd, name, OpenFlags.AT_REMOVEDIR);
      return true;
    } catch (LinuxException e) {
      return switch (e.errno()) {
        case ENOENT -> true;
        case EBUSY -> false;
        default -> throw e;
      };
    }
  }

  /** The names of its children. */
  List<byte[]> children() {
    // a descriptor of its own, because reading moves the offset that others may be using
    try (Fd listing = files.open(fd, ".", FLAGS)) {
      return files.list(listing).stream()
          .filter(DirEntry::isDirectory)
          .map(DirEntry::nameBytes)
          .toList();
    }
  }

  String read(String file) {
    return new String(
        files.readFile(fd, file.getBytes(StandardCharsets.UTF_8), FILE_LIMIT),
        StandardCharsets.UTF_8);
  }

  boolean has(String file) {
    return files.statxIfPresent(fd, file, OpenFlags.AT_SYMLINK_NOFOLLOW).isPresent();
  }

  void write(String file, String value) {
    files.writeControl(fd, file, value);
  }

  /** Opens a file for repeated reading; empty when the kernel does not offer it here. */
  Optional<Fd> openFile(String file) {
    try {
      return Optional.of(files.open(fd, file, OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW));
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENODEV) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** What its parent has passed on to it. */
  Set<String> controllers() {
    return CgroupMount.words(read("cgroup.controllers"));
  }

  /**
   * Passes controllers on to its children.
   *
   * @return those that could not be
   */
  Set<String> passOn(Set<String> controllers) {
    Set<String> wanted = new TreeSet<>(controllers);
    wanted.removeAll(CgroupMount.words(read("cgroup.subtree_control")));
    if (wanted.isEmpty() || tryPassOn(wanted)) {
      return Set.of();
    }
    // one bad apple makes the kernel refuse all of them
    Set<String> refused = new TreeSet<>();
    for (String controller : wanted) {
      if (!tryPassOn(Set.of(controller))) {
        refused.add(controller);
      }
    }
    return refused;
  }

  private boolean tryPassOn(Set<String> controllers) {
    StringBuilder line = new StringBuilder();
    controllers.forEach(controller -> line.append('+').append(controller).append(' '));
    try {
      write("cgroup.subtree_control", line.toString().trim());
      return true;
    } catch (LinuxException e) {
      return switch (e.errno()) {
        // ENOENT: not offered here; EBUSY: processes live in it; EINVAL: unknown to this kernel;
        // EOPNOTSUPP: threaded; EACCES, EPERM, EROFS: not ours to change
        case ENOENT, EBUSY, EINVAL, EOPNOTSUPP, EACCES, EPERM, EROFS -> false;
        default -> throw e;
      };
    }
  }

  /** A descriptor of its own for the same directory: it outlives this object. */
  CgroupDirectory again() {
    return new CgroupDirectory(files, files.dup(fd), path);
  }

  boolean populated() {
    return read("cgroup.events").contains("populated 1");
  }

  Optional<byte[]> attribute(String name) {
    return files.getxattr(fd, name);
  }

  Fd fd() {
    return fd;
  }

  Files files() {
    return files;
  }

  /** As the host sees it. */
  String path() {
    return path;
  }

  @Override
  public void close() {
    fd.close();
  }

  @Override
  public String toString() {
    return path;
  }
}
