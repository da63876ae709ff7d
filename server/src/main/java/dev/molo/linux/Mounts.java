package dev.molo.linux;

import java.nio.charset.StandardCharsets;

/**
 * Detached mounts as descriptors: open_tree(2), mount_setattr(2), move_mount(2), fsopen(2),
 * fsconfig(2), fsmount(2).
 *
 * <p>Needs CAP_SYS_ADMIN. A detached mount goes away with its last descriptor. An error of fsconfig
 * and fsmount carries the text that the file system wrote to its context's log. Operations on a
 * dead network file system may block; {@link #umount2} runs on the pool for a virtual thread.
 * Thread-safe.
 */
public interface Mounts {

  /**
   * open_tree(2): with OPEN_TREE_CLONE a detached copy (AT_RECURSIVE: of the whole tree), else like
   * O_PATH.
   *
   * @param flags {@code MountFlags.OPEN_TREE_*} and {@code OpenFlags.AT_*}; OPEN_TREE_CLOEXEC is
   *     added
   */
  Fd openTree(Fd dir, byte[] path, int flags);

  default Fd openTree(Fd dir, String path, int flags) {
    return openTree(dir, path.getBytes(StandardCharsets.UTF_8), flags);
  }

  /** mount_setattr(2); {@code flags}: AT_EMPTY_PATH, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW. */
  void mountSetattr(Fd dir, byte[] path, int flags, MountAttributes attributes);

  /** mount_setattr of the mount that {@code mount} stands for; recursive when asked. */
  default void mountSetattr(Fd mount, boolean recursive, MountAttributes attributes) {
    int flags = OpenFlags.AT_EMPTY_PATH | (recursive ? OpenFlags.AT_RECURSIVE : 0);
    mountSetattr(mount, new byte[0], flags, attributes);
  }

  /** move_mount(2); {@code flags}: {@code MountFlags.MOVE_MOUNT_*}. */
  void moveMount(Fd fromDir, byte[] fromPath, Fd toDir, byte[] toPath, int flags);

  /** move_mount of a detached mount onto the file or directory that {@code target} stands for. */
  default void attach(Fd mount, Fd target) {
    int flags = MountFlags.MOVE_MOUNT_F_EMPTY_PATH | MountFlags.MOVE_MOUNT_T_EMPTY_PATH;
    moveMount(mount, new byte[0], target, new byte[0], flags);
  }

  /** fsopen(2): a context to configure a new file system of this type. */
  Fd fsopen(String type);

  /**
   * fsconfig(FSCONFIG_SET_STRING); a value has at most 255 bytes (kernel limit, 256 with its NUL).
   */
  void fsconfigString(Fd context, String key, String value);

  /** fsconfig(FSCONFIG_SET_FLAG). */
  void fsconfigFlag(Fd context, String key);

  /** fsconfig(FSCONFIG_SET_FD). */
  void fsconfigFd(Fd context, String key, Fd value);

  /** fsconfig(FSCONFIG_CMD_CREATE): makes the superblock. */
  void fsconfigCreate(Fd context);

  /** fsmount(2): the detached mount; {@code attributes}: {@code MountFlags.MOUNT_ATTR_*}. */
  Fd fsmount(Fd context, long attributes);

  /**
   * umount2(2); {@code flags}: {@code MountFlags.MNT_*}. May block: on a virtual thread it runs on
   * the pool.
   */
  void umount2(byte[] path, int flags);

  default void umount2(String path, int flags) {
    umount2(path.getBytes(StandardCharsets.UTF_8), flags);
  }
}
