package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;
import static dev.molo.linux.jnr.Kernel.is;

import dev.molo.linux.BlockingCalls;
import dev.molo.linux.DirEntry;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.FileMode;
import dev.molo.linux.FileSystemStat;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Stat;
import dev.molo.linux.SystemFacts;
import dev.molo.linux.TimeSpec;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** {@link Files} by system calls. */
final class JnrFiles implements Files {

  private static final int PATH_MAX = 4096;
  private static final int CHUNK = 16 * 1024;
  private static final int STATX_SIZE = 256;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int STATX_MNT_ID = 0x1000;
  private static final long STATX_ATTR_MOUNT_ROOT = 0x2000;
  private static final int SYNC_FILE_RANGE_WRITE = 2;
  private static final long FS_IOC_GETFLAGS = 0x80086601L;
  private static final long FS_IOC_SETFLAGS = 0x40086602L;
  private static final int FS_TOPDIR_FL = 0x20000;
  private static final int F_GETFL = 3;
  private static final int F_SETFL = 4;
  private static final int F_DUPFD_CLOEXEC = 1030;

  private final SystemFacts system;
  private final BlockingCalls blocking;
  private volatile boolean hasFchmodat2 = true;

  JnrFiles(SystemFacts system, BlockingCalls blocking) {
    this.system = system;
    this.blocking = blocking;
  }

  static Fd owned(long number) {
    return Fd.owning((int) number, Kernel::close);
  }

  @Override
  public Fd openat2(Fd dir, byte[] path, int flags, int mode, long resolve) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      int how = scratch.reserveDirty(24);
      scratch
          .memory()
          .putLong(how, (flags | OpenFlags.O_CLOEXEC) & 0xffffffffL)
          .putLong(how + 8, mode)
          .putLong(how + 16, resolve);
      long result = call(Call.OPENAT2, dir.number(), name, scratch.at(how), 24);
      // With RESOLVE_BENEATH and RESOLVE_IN_ROOT a rename elsewhere gives EAGAIN: "try again"
      // (openat2(2)).
      for (int attempt = 0; is(result, Errno.EAGAIN) && resolve != 0 && attempt < 64; attempt++) {
        result = call(Call.OPENAT2, dir.number(), name, scratch.at(how), 24);
      }
      Fd opened = owned(check(Call.OPENAT2, result, () -> Detail.path(dir, path)));
      boolean surelyOurs = (flags & OpenFlags.O_EXCL) != 0 || (flags & 020000000) != 0;
      if (surelyOurs && (mode & system.umask()) != 0) {
        fchmodOrClose(opened, mode);
      }
      return opened;
    }
  }

  private void fchmodOrClose(Fd opened, int mode) {
    try {
      fchmod(opened, mode);
    } catch (LinuxException e) {
      opened.close();
      throw e;
    }
  }

  @Override
  public void mkdirat(Fd dir, byte[] path, int mode) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      check(
          Call.MKDIRAT, call(Call.MKDIRAT, dir.number(), name, mode), () -> Detail.path(dir, path));
      // mkdir(2) takes 01777 of the mode and the umask takes from that.
      if ((mode & (system.umask() | FileMode.S_ISUID | FileMode.S_ISGID)) != 0) {
        fchmodat(dir, path, mode, 0);
      }
    }
  }

  @Override
  public void mknodat(Fd dir, byte[] path, int mode, Stat.Device device) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      check(
          Call.MKNODAT,
          call(Call.MKNODAT, dir.number(), name, mode, encode(device)),
          () -> Detail.path(dir, path));
      if ((mode & system.umask()) != 0) {
        fchmodat(dir, path, mode & 07777, 0);
      }
    }
  }

  /** The 32-bit form of the system call (new_encode_dev). */
  private static long encode(Stat.Device device) {
    int major = device.major();
    int minor = device.minor();
    return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) & 0xffffffffL;
  }

  @Override
  public void symlinkat(byte[] target, Fd dir, byte[] path) {
    try (Scratch scratch = Scratch.borrow()) {
      long to = scratch.string(target);
      long name = scratch.string(path);
      check(
          Call.SYMLINKAT,
          call(Call.SYMLINKAT, to, dir.number(), name),
          () -> Detail.path(dir, path) + " -> " + Detail.text(target));
    }
  }

  @Override
  public void linkat(Fd oldDir, byte[] oldPath, Fd newDir, byte[] newPath, int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      long from = scratch.string(oldPath);
      long to = scratch.string(newPath);
      check(
          Call.LINKAT,
          call(Call.LINKAT, oldDir.number(), from, newDir.number(), to, flags),
          () -> Detail.path(oldDir, oldPath) + ", " + Detail.path(newDir, newPath));
    }
  }

  @Override
  public void unlinkat(Fd dir, byte[] path, int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      check(
          Call.UNLINKAT,
          call(Call.UNLINKAT, dir.number(), name, flags),
          () -> Detail.path(dir, path));
    }
  }

  @Override
  public void renameat2(Fd oldDir, byte[] oldPath, Fd newDir, byte[] newPath, int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      long from = scratch.string(oldPath);
      long to = scratch.string(newPath);
      check(
          Call.RENAMEAT2,
          call(Call.RENAMEAT2, oldDir.number(), from, newDir.number(), to, flags),
          () -> Detail.path(oldDir, oldPath) + ", " + Detail.path(newDir, newPath));
    }
  }

  @Override
  public void fchownat(Fd dir, byte[] path, long uid, long gid, int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      long result = call(Call.FCHOWNAT, dir.number(), name, id(uid), id(gid), flags);
      check(Call.FCHOWNAT, result, () -> Detail.path(dir, path) + ", " + uid + ":" + gid);
    }
  }

  private static long id(long id) {
    if (id < UNCHANGED || id > 0xfffffffeL) {
      throw new LinuxException("fchownat", Errno.EINVAL, "id " + id + " is not 0 to 4294967294");
    }
    return id & 0xffffffffL;
  }

  @Override
  public void fchmodat(Fd dir, byte[] path, int mode, int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      long result = fchmodatRaw(dir, path, name, mode, flags);
      check(
          Call.FCHMODAT,
          result,
          () -> Detail.path(dir, path) + ", 0" + Integer.toOctalString(mode));
    }
  }

  private long fchmodatRaw(Fd dir, byte[] path, long name, int mode, int flags) {
    if (flags == 0) {
      return call(Call.FCHMODAT, dir.number(), name, mode);
    }
    if (hasFchmodat2) {
      long result = call(Call.FCHMODAT2, dir.number(), name, mode, flags);
      if (!is(result, Errno.ENOSYS)) {
        return result;
      }
      hasFchmodat2 = false;
    }
    return fchmodThroughProc(dir, path, mode, flags);
  }

  /**
   * For kernels before 6.6: an O_PATH descriptor pins the file, and its /proc link leads to just
   * that.
   */
  private long fchmodThroughProc(Fd dir, byte[] path, int mode, int flags) {
    if (path.length == 0) {
      return chmodProc(dir.number(), mode);
    }
    int nofollow = (flags & OpenFlags.AT_SYMLINK_NOFOLLOW) != 0 ? OpenFlags.O_NOFOLLOW : 0;
    try (Fd pinned = openat2(dir, path, OpenFlags.O_PATH | nofollow, 0, 0)) {
      if (fstat(pinned).isSymbolicLink()) {
        return -Errno.EOPNOTSUPP.number();
      }
      return chmodProc(pinned.number(), mode);
    }
  }

  private static long chmodProc(int number, int mode) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(procPath(number));
      return call(Call.FCHMODAT, Fd.AT_FDCWD.number(), name, mode);
    }
  }

  @Override
  public void fchmod(Fd fd, int mode) {
    check(
        Call.FCHMOD,
        call(Call.FCHMOD, fd.number(), mode),
        () -> Detail.fd(fd) + ", 0" + Integer.toOctalString(mode));
  }

  @Override
  public void utimensat(Fd dir, byte[] path, TimeSpec accessed, TimeSpec modified, int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      int times = scratch.reserveDirty(32);
      scratch
          .memory()
          .putLong(times, accessed.seconds())
          .putLong(times + 8, accessed.nanos())
          .putLong(times + 16, modified.seconds())
          .putLong(times + 24, modified.nanos());
      long result = call(Call.UTIMENSAT, dir.number(), name, scratch.at(times), flags);
      check(Call.UTIMENSAT, result, () -> Detail.path(dir, path));
    }
  }

  @Override
  public byte[] readlinkat(Fd dir, byte[] path) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      int target = scratch.reserveDirty(PATH_MAX);
      long result = call(Call.READLINKAT, dir.number(), name, scratch.at(target), PATH_MAX);
      check(Call.READLINKAT, result, () -> Detail.path(dir, path));
      return scratch.copyOut(target, (int) result);
    }
  }

  /**
   * What /proc/self/fd says of a descriptor number; never asks for a {@link Detail}, which asks
   * here.
   */
  static byte[] procLink(int number) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(procPath(number));
      int target = scratch.reserveDirty(PATH_MAX);
      long result = call(Call.READLINKAT, Fd.AT_FDCWD.number(), name, scratch.at(target), PATH_MAX);
      check(Call.READLINKAT, result, () -> "/proc/self/fd/" + number);
      return scratch.copyOut(target, (int) result);
    }
  }

  private static byte[] procPath(int number) {
    return ("/proc/self/fd/" + number).getBytes(StandardCharsets.US_ASCII);
  }

  @Override
  public Stat statx(Fd dir, byte[] path, int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      int out = statxInto(scratch);
      check(Call.STATX, statxRaw(scratch, out, dir, path, flags), () -> Detail.path(dir, path));
      return stat(scratch.memory(), out);
    }
  }

  @Override
  public Optional<Stat> statxIfPresent(Fd dir, byte[] path, int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      int out = statxInto(scratch);
      long result = statxRaw(scratch, out, dir, path, flags);
      if (is(result, Errno.ENOENT) || is(result, Errno.ENOTDIR)) {
        return Optional.empty();
      }
      check(Call.STATX, result, () -> Detail.path(dir, path));
      return Optional.of(stat(scratch.memory(), out));
    }
  }

  private static int statxInto(Scratch scratch) {
    return scratch.reserveDirty(STATX_SIZE);
  }

  private static long statxRaw(Scratch scratch, int out, Fd dir, byte[] path, int flags) {
    long name = scratch.string(path);
    int mask = STATX_BASIC_STATS | STATX_MNT_ID;
    return call(Call.STATX, dir.number(), name, flags, mask, scratch.at(out));
  }

  private static Stat stat(ByteBuffer memory, int at) {
    return new Stat(
        memory.getShort(at + 28) & 0xffff,
        memory.getInt(at + 16) & 0xffffffffL,
        memory.getInt(at + 20) & 0xffffffffL,
        memory.getInt(at + 24) & 0xffffffffL,
        memory.getLong(at + 32),
        memory.getLong(at + 40),
        memory.getLong(at + 48),
        memory.getInt(at + 4),
        new Stat.Device(memory.getInt(at + 136), memory.getInt(at + 140)),
        new Stat.Device(memory.getInt(at + 128), memory.getInt(at + 132)),
        time(memory, at + 64),
        time(memory, at + 112),
        time(memory, at + 96),
        (memory.getInt(at) & STATX_MNT_ID) != 0 ? memory.getLong(at + 144) : 0,
        (memory.getLong(at + 8) & STATX_ATTR_MOUNT_ROOT) != 0);
  }

  private static TimeSpec time(ByteBuffer memory, int at) {
    return new TimeSpec(memory.getLong(at), memory.getInt(at + 8));
  }

  // Extended attributes. Going through /proc/self/fd serves O_PATH descriptors too, which the
  // f-variants refuse, and
  // gives the l-variants a directory descriptor, for which the kernel had no call before 6.13.

  private static byte[] procPath(Fd fd) {
    return procPath(fd.number());
  }

  private static byte[] procPath(Fd dir, byte[] path) {
    if (dir == Fd.AT_FDCWD || (path.length > 0 && path[0] == '/')) {
      return path;
    }
    byte[] prefix = procPath(dir.number());
    byte[] whole = java.util.Arrays.copyOf(prefix, prefix.length + 1 + path.length);
    whole[prefix.length] = '/';
    System.arraycopy(path, 0, whole, prefix.length + 1, path.length);
    return whole;
  }

  private static byte[] name(String name) {
    return name.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void setxattr(Fd fd, String name, byte[] value, int flags) {
    long result = setxattrRaw(Call.SETXATTR, procPath(fd), name, value, flags);
    check(Call.SETXATTR, result, () -> Detail.fd(fd) + ", " + Detail.text(name(name)));
  }

  @Override
  public void lsetxattr(Fd dir, byte[] path, String name, byte[] value, int flags) {
    long result = setxattrRaw(Call.LSETXATTR, procPath(dir, path), name, value, flags);
    check(Call.LSETXATTR, result, () -> Detail.path(dir, path) + ", " + Detail.text(name(name)));
  }

  private static long setxattrRaw(Call call, byte[] path, String name, byte[] value, int flags) {
    try (Scratch scratch = Scratch.borrow(path.length + value.length + 1024)) {
      long where = scratch.string(path);
      long attribute = scratch.string(name(name));
      int content = scratch.bytes(value);
      return call(call, where, attribute, scratch.at(content), value.length, flags);
    }
  }

  @Override
  public Optional<byte[]> getxattr(Fd fd, String name) {
    return getxattrRaw(
        Call.GETXATTR, procPath(fd), name, () -> Detail.fd(fd) + ", " + Detail.text(name(name)));
  }

  @Override
  public Optional<byte[]> lgetxattr(Fd dir, byte[] path, String name) {
    return getxattrRaw(
        Call.LGETXATTR,
        procPath(dir, path),
        name,
        () -> Detail.path(dir, path) + ", " + Detail.text(name(name)));
  }

  /** The kernel's limits for a value and for a list (XATTR_SIZE_MAX, XATTR_LIST_MAX). */
  private static final int XATTR_MAX = 64 * 1024;

  private static Optional<byte[]> getxattrRaw(
      Call call, byte[] path, String name, java.util.function.Supplier<String> detail) {
    int size = CHUNK;
    while (true) {
      try (Scratch scratch = Scratch.borrow(size + path.length + 1024)) {
        long where = scratch.string(path);
        long attribute = scratch.string(name(name));
        int value = scratch.reserveDirty(size);
        long result = call(call, where, attribute, scratch.at(value), size);
        if (is(result, Errno.ENODATA) || is(result, Errno.EOPNOTSUPP)) {
          return Optional.empty();
        }
        if (!is(result, Errno.ERANGE) || size >= XATTR_MAX) {
          check(call, result, detail);
          return Optional.of(scratch.copyOut(value, (int) result));
        }
        size = XATTR_MAX;
      }
    }
  }

  @Override
  public List<String> listxattr(Fd fd) {
    return listxattrRaw(Call.LISTXATTR, procPath(fd), () -> Detail.fd(fd));
  }

  @Override
  public List<String> llistxattr(Fd dir, byte[] path) {
    return listxattrRaw(Call.LLISTXATTR, procPath(dir, path), () -> Detail.path(dir, path));
  }

  private static List<String> listxattrRaw(
      Call call, byte[] path, java.util.function.Supplier<String> detail) {
    int size = CHUNK;
    while (true) {
      try (Scratch scratch = Scratch.borrow(size + path.length + 64)) {
        long where = scratch.string(path);
        int names = scratch.reserveDirty(size);
        long result = call(call, where, scratch.at(names), size);
        if (is(result, Errno.EOPNOTSUPP)) {
          return List.of();
        }
        if (!is(result, Errno.ERANGE) || size >= XATTR_MAX) {
          check(call, result, detail);
          return splitNames(scratch.copyOut(names, (int) result));
        }
        size = XATTR_MAX;
      }
    }
  }

  private static List<String> splitNames(byte[] names) {
    List<String> found = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < names.length; i++) {
      if (names[i] == 0) {
        found.add(new String(names, start, i - start, StandardCharsets.UTF_8));
        start = i + 1;
      }
    }
    return List.copyOf(found);
  }

  @Override
  public void lremovexattr(Fd dir, byte[] path, String name) {
    byte[] whole = procPath(dir, path);
    try (Scratch scratch = Scratch.borrow()) {
      long where = scratch.string(whole);
      long attribute = scratch.string(name(name));
      check(
          Call.LREMOVEXATTR,
          call(Call.LREMOVEXATTR, where, attribute),
          () -> Detail.path(dir, path) + ", " + Detail.text(name(name)));
    }
  }

  // Reading and writing. A direct buffer is used in place; a heap buffer goes through scratch
  // memory by chunks.

  @Override
  public int read(Fd fd, ByteBuffer into) {
    return transferIn(Call.READ, fd, into, -1);
  }

  @Override
  public int pread(Fd fd, ByteBuffer into, long offset) {
    return transferIn(Call.PREAD64, fd, into, offset);
  }

  @Override
  public int write(Fd fd, ByteBuffer from) {
    return transferOut(Call.WRITE, fd, from, -1);
  }

  @Override
  public int pwrite(Fd fd, ByteBuffer from, long offset) {
    return transferOut(Call.PWRITE64, fd, from, offset);
  }

  private static int transferIn(Call call, Fd fd, ByteBuffer into, long offset) {
    int position = into.position();
    if (into.isDirect()) {
      long memory = Kernel.address(into) + position;
      int count = transfer(call, fd, memory, into.remaining(), offset);
      into.position(position + Math.max(count, 0));
      return count;
    }
    try (Scratch scratch = Scratch.borrow()) {
      int length = Math.min(into.remaining(), CHUNK);
      int chunk = scratch.reserveDirty(length);
      int count = transfer(call, fd, scratch.at(chunk), length, offset);
      if (count > 0) {
        into.put(scratch.memory().slice(chunk, count));
      }
      return count;
    }
  }

  private static int transferOut(Call call, Fd fd, ByteBuffer from, long offset) {
    int position = from.position();
    if (from.isDirect()) {
      long memory = Kernel.address(from) + position;
      int count = transfer(call, fd, memory, from.remaining(), offset);
      from.position(position + Math.max(count, 0));
      return count;
    }
    try (Scratch scratch = Scratch.borrow()) {
      int length = Math.min(from.remaining(), CHUNK);
      int chunk = scratch.reserveDirty(length);
      scratch.memory().put(chunk, from, position, length);
      int count = transfer(call, fd, scratch.at(chunk), length, offset);
      from.position(position + Math.max(count, 0));
      return count;
    }
  }

  private static int transfer(Call call, Fd fd, long memory, int length, long offset) {
    long result =
        offset < 0
            ? call(call, fd.number(), memory, length)
            : call(call, fd.number(), memory, length, offset);
    if (is(result, Errno.EAGAIN)) {
      return WOULD_BLOCK;
    }
    return (int) check(call, result, () -> Detail.fd(fd));
  }

  @Override
  public byte[] readFile(Fd dir, byte[] path, int limit) {
    try (Fd file = openat2(dir, path, OpenFlags.O_RDONLY | OpenFlags.O_NOCTTY, 0, 0);
        Scratch scratch = Scratch.borrow()) {
      int chunk = scratch.reserveDirty(CHUNK);
      int count = transfer(Call.READ, file, scratch.at(chunk), CHUNK, -1);
      if (count < CHUNK && count <= limit) {
        // One read for nearly every file in /proc and /sys; they give a short count at the end
        // only.
        byte[] whole = scratch.copyOut(chunk, Math.max(count, 0));
        int more = transfer(Call.READ, file, scratch.at(chunk), CHUNK, -1);
        return more == 0 ? whole : readOn(file, path, dir, limit, whole, scratch, chunk, more);
      }
      byte[] first = scratch.copyOut(chunk, count);
      int more = transfer(Call.READ, file, scratch.at(chunk), CHUNK, -1);
      return readOn(file, path, dir, limit, first, scratch, chunk, more);
    }
  }

  private static byte[] readOn(
      Fd file, byte[] path, Fd dir, int limit, byte[] first, Scratch scratch, int chunk, int more) {
    ByteArrayOutputStream whole = new ByteArrayOutputStream(first.length * 2);
    whole.writeBytes(first);
    int count = more;
    while (count > 0 && whole.size() + count <= limit) {
      whole.writeBytes(scratch.copyOut(chunk, count));
      count = transfer(Call.READ, file, scratch.at(chunk), CHUNK, -1);
    }
    if (count == WOULD_BLOCK) {
      throw new LinuxException("read", Errno.EAGAIN, Detail.path(dir, path));
    }
    if (count > 0 || whole.size() > limit) {
      throw new LinuxException(
          "read", Errno.EFBIG, Detail.path(dir, path) + ", more than " + limit + " bytes");
    }
    return whole.toByteArray();
  }

  @Override
  public void writeControl(Fd dir, byte[] path, byte[] content) {
    try (Fd file = openat2(dir, path, OpenFlags.O_WRONLY | OpenFlags.O_NOCTTY, 0, 0);
        Scratch scratch = Scratch.borrow(content.length + 16)) {
      int bytes = scratch.bytes(content);
      long result = call(Call.WRITE, file.number(), scratch.at(bytes), content.length);
      check(
          Call.WRITE,
          result,
          () -> Detail.path(dir, path) + ", \"" + Detail.text(content).strip() + "\"");
      if (result != content.length) {
        String what =
            Detail.path(dir, path) + ", only " + result + " of " + content.length + " bytes";
        throw new LinuxException("write", Errno.EIO, what);
      }
    }
  }

  @Override
  public long lseek(Fd fd, long offset, int whence) {
    return check(Call.LSEEK, call(Call.LSEEK, fd.number(), offset, whence), () -> Detail.fd(fd));
  }

  @Override
  public void fsync(Fd fd) {
    sync(Call.FSYNC, fd);
  }

  @Override
  public void fdatasync(Fd fd) {
    sync(Call.FDATASYNC, fd);
  }

  @Override
  public void syncfs(Fd fd) {
    sync(Call.SYNCFS, fd);
  }

  private void sync(Call call, Fd fd) {
    blocking.run(
        call.kernelName(), () -> check(call, call(call, fd.number()), () -> Detail.fd(fd)));
  }

  @Override
  public void beginWriteback(Fd fd, long offset, long length) {
    long result = call(Call.SYNC_FILE_RANGE, fd.number(), offset, length, SYNC_FILE_RANGE_WRITE);
    check(Call.SYNC_FILE_RANGE, result, () -> Detail.fd(fd));
  }

  @Override
  public boolean hintUnrelatedTrees(Fd directory) {
    try (Scratch scratch = Scratch.borrow()) {
      // The kernel takes an int, whatever the request's number says (ioctl_iflags(2)).
      int flags = scratch.reserve(8);
      long result = call(Call.IOCTL, directory.number(), FS_IOC_GETFLAGS, scratch.at(flags));
      if (result == 0) {
        scratch.memory().putInt(flags, scratch.memory().getInt(flags) | FS_TOPDIR_FL);
        result = call(Call.IOCTL, directory.number(), FS_IOC_SETFLAGS, scratch.at(flags));
      }
      return result == 0;
    }
  }

  @Override
  public void ftruncate(Fd fd, long size) {
    check(Call.FTRUNCATE, call(Call.FTRUNCATE, fd.number(), size), () -> Detail.fd(fd));
  }

  @Override
  public FileSystemStat fstatfs(Fd fd) {
    try (Scratch scratch = Scratch.borrow()) {
      int out = scratch.reserveDirty(120);
      check(Call.FSTATFS, call(Call.FSTATFS, fd.number(), scratch.at(out)), () -> Detail.fd(fd));
      ByteBuffer memory = scratch.memory();
      return new FileSystemStat(
          memory.getLong(out) & 0xffffffffL,
          memory.getLong(out + 8),
          memory.getLong(out + 16),
          memory.getLong(out + 24),
          memory.getLong(out + 32),
          memory.getLong(out + 40),
          memory.getLong(out + 48));
    }
  }

  @Override
  public void forEachEntry(Fd dir, Predicate<DirEntry> visitor) {
    try (Scratch scratch = Scratch.borrow()) {
      int block = scratch.reserveDirty(CHUNK);
      while (true) {
        long result = call(Call.GETDENTS64, dir.number(), scratch.at(block), CHUNK);
        check(Call.GETDENTS64, result, () -> Detail.fd(dir));
        if (result == 0 || !visitBlock(scratch, block, (int) result, visitor)) {
          return;
        }
      }
    }
  }

  private static boolean visitBlock(
      Scratch scratch, int block, int length, Predicate<DirEntry> visitor) {
    ByteBuffer memory = scratch.memory();
    int at = block;
    while (at < block + length) {
      int nameAt = at + 19;
      int end = nameAt;
      while (memory.get(end) != 0) {
        end++;
      }
      byte[] name = scratch.copyOut(nameAt, end - nameAt);
      // DT_* is the type nibble of the mode.
      int type = (memory.get(at + 18) & 0xff) << 12;
      if (!isDot(name) && !visitor.test(new DirEntry(name, type, memory.getLong(at)))) {
        return false;
      }
      at += memory.getShort(at + 16) & 0xffff;
    }
    return true;
  }

  private static boolean isDot(byte[] name) {
    return name[0] == '.' && (name.length == 1 || (name.length == 2 && name[1] == '.'));
  }

  @Override
  public List<DirEntry> list(Fd dir) {
    lseek(dir, 0, OpenFlags.SEEK_SET);
    List<DirEntry> all = new ArrayList<>();
    forEachEntry(dir, all::add);
    return List.copyOf(all);
  }

  @Override
  public List<DirEntry> listSome(Fd dir, int most) {
    lseek(dir, 0, OpenFlags.SEEK_SET);
    List<DirEntry> some = new ArrayList<>();
    forEachEntry(
        dir,
        entry -> {
          some.add(entry);
          return some.size() < most;
        });
    return List.copyOf(some);
  }

  @Override
  public long splice(Fd in, Fd out, long length, int flags) {
    long result = Kernel.splice(in.number(), out.number(), length, flags);
    if (is(result, Errno.EAGAIN)) {
      return WOULD_BLOCK;
    }
    return checkNamed("splice", result, in, out);
  }

  @Override
  public long copyFileRange(Fd in, Fd out, long length) {
    long result = Kernel.copyFileRange(in.number(), out.number(), length);
    return checkNamed("copy_file_range", result, in, out);
  }

  private static long checkNamed(String call, long result, Fd in, Fd out) {
    if (result < 0) {
      throw new LinuxException(call, (int) -result, Detail.fd(in) + ", " + Detail.fd(out));
    }
    return result;
  }

  @Override
  public boolean flock(Fd fd, int operation) {
    if ((operation & (OpenFlags.LOCK_NB | OpenFlags.LOCK_UN)) != 0) {
      return flockHere(fd, operation);
    }
    return blocking.run("flock", () -> flockHere(fd, operation));
  }

  private static boolean flockHere(Fd fd, int operation) {
    long result = call(Call.FLOCK, fd.number(), operation);
    if (is(result, Errno.EAGAIN)) {
      return false;
    }
    check(Call.FLOCK, result, () -> Detail.fd(fd));
    return true;
  }

  @Override
  public Fd dup(Fd fd) {
    long result = call(Call.FCNTL, fd.number(), F_DUPFD_CLOEXEC, 0);
    return owned(check(Call.FCNTL, result, () -> "F_DUPFD_CLOEXEC, " + Detail.fd(fd)));
  }

  @Override
  public void setNonBlocking(Fd fd, boolean on) {
    long flags = statusFlags(fd);
    long wanted = on ? flags | OpenFlags.O_NONBLOCK : flags & ~OpenFlags.O_NONBLOCK;
    if (wanted != flags) {
      check(
          Call.FCNTL,
          call(Call.FCNTL, fd.number(), F_SETFL, wanted),
          () -> "F_SETFL, " + Detail.fd(fd));
    }
  }

  static long statusFlags(Fd fd) {
    return check(
        Call.FCNTL, call(Call.FCNTL, fd.number(), F_GETFL), () -> "F_GETFL, " + Detail.fd(fd));
  }
}
