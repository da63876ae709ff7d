package dev.molo.linux;

/**
 * Flags of open(2) and openat2(2) and the *at calls, under the kernel's names; O_CLOEXEC is always
 * added.
 */
public final class OpenFlags {

  public static final int O_RDONLY = 0;
  public static final int O_WRONLY = 01;
  public static final int O_RDWR = 02;
  public static final int O_CREAT = 0100;
  public static final int O_EXCL = 0200;
  public static final int O_NOCTTY = 0400;
  public static final int O_TRUNC = 01000;
  public static final int O_APPEND = 02000;
  public static final int O_NONBLOCK = 04000;
  public static final int O_DSYNC = 010000;
  public static final int O_DIRECT =
      Architecture.current() == Architecture.AARCH64 ? 0200000 : 040000;
  public static final int O_DIRECTORY =
      Architecture.current() == Architecture.AARCH64 ? 040000 : 0200000;
  public static final int O_NOFOLLOW =
      Architecture.current() == Architecture.AARCH64 ? 0100000 : 0400000;
  public static final int O_NOATIME = 01000000;
  public static final int O_CLOEXEC = 02000000;
  public static final int O_PATH = 010000000;
  public static final int O_TMPFILE = 020000000 | O_DIRECTORY;

  public static final int AT_SYMLINK_NOFOLLOW = 0x100;
  public static final int AT_REMOVEDIR = 0x200;
  public static final int AT_SYMLINK_FOLLOW = 0x400;
  public static final int AT_NO_AUTOMOUNT = 0x800;
  public static final int AT_EMPTY_PATH = 0x1000;
  public static final int AT_RECURSIVE = 0x8000;

  /** openat2's {@code resolve}: do not cross mount points. */
  public static final long RESOLVE_NO_XDEV = 0x01;

  /** openat2's {@code resolve}: refuse /proc/PID/fd style links. */
  public static final long RESOLVE_NO_MAGICLINKS = 0x02;

  /** openat2's {@code resolve}: refuse every symbolic link. */
  public static final long RESOLVE_NO_SYMLINKS = 0x04;

  /** openat2's {@code resolve}: leaving the directory is EXDEV. */
  public static final long RESOLVE_BENEATH = 0x08;

  /** openat2's {@code resolve}: the directory is the root; absolute links and ".." stay inside. */
  public static final long RESOLVE_IN_ROOT = 0x10;

  public static final int RENAME_NOREPLACE = 1;
  public static final int RENAME_EXCHANGE = 2;
  public static final int RENAME_WHITEOUT = 4;

  public static final int XATTR_CREATE = 1;
  public static final int XATTR_REPLACE = 2;

  public static final int LOCK_SH = 1;
  public static final int LOCK_EX = 2;
  public static final int LOCK_NB = 4;
  public static final int LOCK_UN = 8;

  public static final int SPLICE_F_MOVE = 1;
  public static final int SPLICE_F_NONBLOCK = 2;
  public static final int SPLICE_F_MORE = 4;

  public static final int SEEK_SET = 0;
  public static final int SEEK_CUR = 1;
  public static final int SEEK_END = 2;
  public static final int SEEK_DATA = 3;
  public static final int SEEK_HOLE = 4;

  private OpenFlags() {}
}
