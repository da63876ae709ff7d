package dev.molo.linux;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Files relative to a directory descriptor (path_resolution(7)).
 *
 * <p>A path is bytes, because names in a layer are arbitrary bytes; a String overload encodes
 * UTF-8. A path with a NUL byte is EINVAL, never cut short. Modes are given as they shall be: the
 * process's umask does not touch them (openat2 with O_CREAT but without O_EXCL excepted, since the
 * file may not be ours). Ids are 0 to 2^32-2, or {@link #UNCHANGED}. All methods throw {@link
 * LinuxException}. Thread-safe.
 */
public interface Files {

  /** "Leave this id as it is" for fchownat. */
  long UNCHANGED = -1;

  /** What {@link #read} and {@link #write} return where a non-blocking descriptor has EAGAIN. */
  int WOULD_BLOCK = -1;

  /**
   * Opens, see openat2(2). May block for a FIFO without O_NONBLOCK, which runs on the calling
   * thread: callers who open strangers' paths pass O_NONBLOCK or O_PATH, or use {@link
   * Linux#blocking()}.
   *
   * @param flags {@code OpenFlags.O_*}; O_CLOEXEC is added
   * @param mode permission bits of a new file, else 0
   * @param resolve {@code OpenFlags.RESOLVE_*}
   */
  Fd openat2(Fd dir, byte[] path, int flags, int mode, long resolve);

  default Fd openat2(Fd dir, String path, int flags, int mode, long resolve) {
    return openat2(dir, bytes(path), flags, mode, resolve);
  }

  /** {@link #openat2} without a mode and without resolve flags. */
  default Fd open(Fd dir, String path, int flags) {
    return openat2(dir, bytes(path), flags, 0, 0);
  }

  /** {@link #open} of an absolute path of the host. */
  default Fd open(String path, int flags) {
    return openat2(Fd.AT_FDCWD, bytes(path), flags, 0, 0);
  }

  /** mkdirat(2). */
  void mkdirat(Fd dir, byte[] path, int mode);

  default void mkdirat(Fd dir, String path, int mode) {
    mkdirat(dir, bytes(path), mode);
  }

  /**
   * mknodat(2); {@code mode} has type and permissions; {@code device} counts for S_IFCHR and
   * S_IFBLK only.
   */
  void mknodat(Fd dir, byte[] path, int mode, Stat.Device device);

  default void mknodat(Fd dir, String path, int mode, Stat.Device device) {
    mknodat(dir, bytes(path), mode, device);
  }

  /** symlinkat(2): {@code path} will point to {@code target}. */
  void symlinkat(byte[] target, Fd dir, byte[] path);

  default void symlinkat(String target, Fd dir, String path) {
    symlinkat(bytes(target), dir, bytes(path));
  }

  /** linkat(2); {@code flags}: AT_SYMLINK_FOLLOW, AT_EMPTY_PATH. */
  void linkat(Fd oldDir, byte[] oldPath, Fd newDir, byte[] newPath, int flags);

  default void linkat(Fd oldDir, String oldPath, Fd newDir, String newPath, int flags) {
    linkat(oldDir, bytes(oldPath), newDir, bytes(newPath), flags);
  }

  /** unlinkat(2); {@code flags}: AT_REMOVEDIR. */
  void unlinkat(Fd dir, byte[] path, int flags);

  default void unlinkat(Fd dir, String path, int flags) {
    unlinkat(dir, bytes(path), flags);
  }

  /** renameat2(2); {@code flags}: {@code OpenFlags.RENAME_*}. */
  void renameat2(Fd oldDir, byte[] oldPath, Fd newDir, byte[] newPath, int flags);

  default void renameat2(Fd oldDir, String oldPath, Fd newDir, String newPath, int flags) {
    renameat2(oldDir, bytes(oldPath), newDir, bytes(newPath), flags);
  }

  /**
   * fchownat(2); {@code flags}: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH (with an empty path: the
   * descriptor itself).
   */
  void fchownat(Fd dir, byte[] path, long uid, long gid, int flags);

  default void fchownat(Fd dir, String path, long uid, long gid, int flags) {
    fchownat(dir, bytes(path), uid, gid, flags);
  }

  /** fchownat of the descriptor itself. */
  default void fchown(Fd fd, long uid, long gid) {
    fchownat(fd, "", uid, gid, OpenFlags.AT_EMPTY_PATH);
  }

  /**
   * fchmodat2(2), or its equivalent where the kernel is older than 6.6; {@code flags}:
   * AT_SYMLINK_NOFOLLOW (EOPNOTSUPP on a symbolic link), AT_EMPTY_PATH.
   */
  void fchmodat(Fd dir, byte[] path, int mode, int flags);

  default void fchmodat(Fd dir, String path, int mode, int flags) {
    fchmodat(dir, bytes(path), mode, flags);
  }

  /** fchmod(2) of an ordinary (not O_PATH) descriptor. */
  void fchmod(Fd fd, int mode);

  /** utimensat(2); {@code flags}: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
  void utimensat(Fd dir, byte[] path, TimeSpec accessed, TimeSpec modified, int flags);

  default void utimensat(Fd dir, String path, TimeSpec accessed, TimeSpec modified, int flags) {
    utimensat(dir, bytes(path), accessed, modified, flags);
  }

  /**
   * readlinkat(2), the whole target; an empty path reads the O_PATH|O_NOFOLLOW descriptor itself.
   */
  byte[] readlinkat(Fd dir, byte[] path);

  default String readlinkat(Fd dir, String path) {
    return new String(readlinkat(dir, bytes(path)), StandardCharsets.UTF_8);
  }

  /**
   * statx(2) with the basic fields and the mount id; {@code flags}: AT_SYMLINK_NOFOLLOW,
   * AT_EMPTY_PATH.
   */
  Stat statx(Fd dir, byte[] path, int flags);

  default Stat statx(Fd dir, String path, int flags) {
    return statx(dir, bytes(path), flags);
  }

  /** statx of the descriptor itself. */
  default Stat fstat(Fd fd) {
    return statx(fd, "", OpenFlags.AT_EMPTY_PATH);
  }

  /** {@link #statx}, or nothing on ENOENT and ENOTDIR; cheaper than catching. */
  Optional<Stat> statxIfPresent(Fd dir, byte[] path, int flags);

  default Optional<Stat> statxIfPresent(Fd dir, String path, int flags) {
    return statxIfPresent(dir, bytes(path), flags);
  }

  /** Sets an extended attribute of an open file, or of an O_PATH one (through /proc/self/fd). */
  void setxattr(Fd fd, String name, byte[] value, int flags);

  /**
   * Sets an extended attribute of {@code path} itself, symbolic link or not; the path's directories
   * are followed.
   */
  void lsetxattr(Fd dir, byte[] path, String name, byte[] value, int flags);

  /**
   * An extended attribute's value; empty when absent (ENODATA) or not offered by the file system
   * (EOPNOTSUPP).
   */
  Optional<byte[]> getxattr(Fd fd, String name);

  /** {@link #getxattr} of {@code path} itself. */
  Optional<byte[]> lgetxattr(Fd dir, byte[] path, String name);

  /** The names of all extended attributes; empty where the file system has none. */
  List<String> listxattr(Fd fd);

  /** {@link #listxattr} of {@code path} itself. */
  List<String> llistxattr(Fd dir, byte[] path);

  /** Removes an extended attribute; ENODATA when absent. */
  void lremovexattr(Fd dir, byte[] path, String name);

  /**
   * read(2) into the buffer's remaining space, whose position advances. Direct buffers are read
   * into without a copy. May block for a pipe, socket or terminal that is not O_NONBLOCK: never
   * call it so from a virtual thread.
   *
   * @return bytes read, 0 at the end, {@link #WOULD_BLOCK} on EAGAIN
   */
  int read(Fd fd, ByteBuffer into);

  /**
   * write(2) from the buffer, whose position advances; may be partial; {@link #WOULD_BLOCK} on
   * EAGAIN.
   */
  int write(Fd fd, ByteBuffer from);

  /** pread(2); 0 at the end. */
  int pread(Fd fd, ByteBuffer into, long offset);

  /** pwrite(2); may be partial. */
  int pwrite(Fd fd, ByteBuffer from, long offset);

  /** Writes all of the buffer to a blocking descriptor; EAGAIN is an error here. */
  default void writeFully(Fd fd, ByteBuffer from) {
    while (from.hasRemaining()) {
      if (write(fd, from) == WOULD_BLOCK) {
        throw new LinuxException("write", Errno.EAGAIN, fd.toString());
      }
    }
  }

  /**
   * Reads a small file whole: open, read until the end, close; for /proc, /sys and cgroup files and
   * records.
   *
   * @throws LinuxException EFBIG when it is longer than {@code limit} bytes
   */
  byte[] readFile(Fd dir, byte[] path, int limit);

  default byte[] readFile(Fd dir, String path, int limit) {
    return readFile(dir, bytes(path), limit);
  }

  /** {@link #readFile} as UTF-8 with a limit of 1 MiB. */
  default String readText(Fd dir, String path) {
    return new String(readFile(dir, bytes(path), 1 << 20), StandardCharsets.UTF_8);
  }

  /**
   * Opens an existing file O_WRONLY, without creating or truncating, and hands the bytes over in
   * one write(2): cgroup and sysctl files.
   */
  void writeControl(Fd dir, byte[] path, byte[] content);

  default void writeControl(Fd dir, String path, String content) {
    writeControl(dir, bytes(path), bytes(content));
  }

  /** lseek(2); the new offset. */
  long lseek(Fd fd, long offset, int whence);

  /** fsync(2). May block: on a virtual thread it runs on the pool. */
  void fsync(Fd fd);

  /** fdatasync(2). May block: on a virtual thread it runs on the pool. */
  void fdatasync(Fd fd);

  /** syncfs(2). May block: on a virtual thread it runs on the pool. */
  void syncfs(Fd fd);

  /**
   * Has the kernel begin to write a stretch of a file to disk (sync_file_range(2) with
   * SYNC_FILE_RANGE_WRITE), so that a later {@link #syncfs} has less to wait for. Promises nothing
   * about what is on disk.
   */
  void beginWriteback(Fd fd, long offset, long length);

  /**
   * Tells the file system that the trees below a directory have nothing to do with each other (what
   * {@code chattr +T} says to ext4), so that each gets a part of the disk of its own.
   *
   * @return false where the file system takes no such hint
   */
  boolean hintUnrelatedTrees(Fd directory);

  /** ftruncate(2). */
  void ftruncate(Fd fd, long size);

  /** fstatfs(2) of an open or O_PATH descriptor. */
  FileSystemStat fstatfs(Fd fd);

  /**
   * Calls {@code visitor} for every entry but "." and ".." until it says false. The descriptor's
   * offset moves.
   */
  void forEachEntry(Fd dir, Predicate<DirEntry> visitor);

  /** All entries of a directory descriptor from its start, in the file system's order. */
  List<DirEntry> list(Fd dir);

  /**
   * The first entries of a directory descriptor from its start, {@code most} at most; for
   * directories that strangers filled.
   */
  List<DirEntry> listSome(Fd dir, int most);

  /** splice(2) at the current offsets; 0 at the end, {@link #WOULD_BLOCK} on EAGAIN. */
  long splice(Fd in, Fd out, long length, int flags);

  /** copy_file_range(2) at the current offsets; 0 at the end. */
  long copyFileRange(Fd in, Fd out, long length);

  /**
   * flock(2). Without LOCK_NB it may block, and runs on the pool for a virtual thread.
   *
   * @return false when LOCK_NB was given and somebody else holds it
   */
  boolean flock(Fd fd, int operation);

  /** fcntl(F_DUPFD_CLOEXEC). */
  Fd dup(Fd fd);

  /** Switches O_NONBLOCK of the open file description. */
  void setNonBlocking(Fd fd, boolean on);

  private static byte[] bytes(String path) {
    return path.getBytes(StandardCharsets.UTF_8);
  }
}
