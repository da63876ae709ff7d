package dev.molo.linux;

/** Constants of the descriptor-based mount interface, under the kernel's names (linux/mount.h). */
public final class MountFlags {

  public static final int OPEN_TREE_CLONE = 1;

  public static final int MOVE_MOUNT_F_SYMLINKS = 0x01;
  public static final int MOVE_MOUNT_F_AUTOMOUNTS = 0x02;
  public static final int MOVE_MOUNT_F_EMPTY_PATH = 0x04;
  public static final int MOVE_MOUNT_T_SYMLINKS = 0x10;
  public static final int MOVE_MOUNT_T_AUTOMOUNTS = 0x20;
  public static final int MOVE_MOUNT_T_EMPTY_PATH = 0x40;
  public static final int MOVE_MOUNT_SET_GROUP = 0x100;
  public static final int MOVE_MOUNT_BENEATH = 0x200;

  public static final long MOUNT_ATTR_RDONLY = 0x01;
  public static final long MOUNT_ATTR_NOSUID = 0x02;
  public static final long MOUNT_ATTR_NODEV = 0x04;
  public static final long MOUNT_ATTR_NOEXEC = 0x08;

  /** The mask of the three atime settings; clear it whenever one of them is set. */
  public static final long MOUNT_ATTR__ATIME = 0x70;

  public static final long MOUNT_ATTR_RELATIME = 0x00;
  public static final long MOUNT_ATTR_NOATIME = 0x10;
  public static final long MOUNT_ATTR_STRICTATIME = 0x20;
  public static final long MOUNT_ATTR_NODIRATIME = 0x80;
  public static final long MOUNT_ATTR_IDMAP = 0x00100000;
  public static final long MOUNT_ATTR_NOSYMFOLLOW = 0x00200000;

  public static final long MS_UNBINDABLE = 1L << 17;
  public static final long MS_PRIVATE = 1L << 18;
  public static final long MS_SLAVE = 1L << 19;
  public static final long MS_SHARED = 1L << 20;

  public static final int MNT_FORCE = 1;
  public static final int MNT_DETACH = 2;
  public static final int MNT_EXPIRE = 4;
  public static final int UMOUNT_NOFOLLOW = 8;

  private MountFlags() {}
}
