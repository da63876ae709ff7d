package dev.molo.linux;

/**
 * What statx(2) says about a file.
 *
 * @param mode type and permission bits, see {@link FileMode}
 * @param links hard links
 * @param uid owner, 0 to 2^32-1
 * @param gid group, 0 to 2^32-1
 * @param inode inode number
 * @param size bytes
 * @param blocks 512-byte blocks allocated
 * @param blockSize preferred I/O size, bytes
 * @param device the file system's device
 * @param special the device that a device node stands for
 * @param accessed last access
 * @param modified last change of content
 * @param changed last change of the inode
 * @param mountId the mount's id as in /proc/self/mountinfo, 0 when the kernel did not say
 * @param mountRoot whether it is the root of a mount
 */
public record Stat(
    int mode,
    long links,
    long uid,
    long gid,
    long inode,
    long size,
    long blocks,
    int blockSize,
    Device device,
    Device special,
    TimeSpec accessed,
    TimeSpec modified,
    TimeSpec changed,
    long mountId,
    boolean mountRoot) {

  /** A device number. */
  public record Device(int major, int minor) {}

  /** The type bits ({@code S_IFREG} and so on). */
  public int type() {
    return mode & FileMode.S_IFMT;
  }

  /** The permission bits with set-uid, set-gid and sticky. */
  public int permissions() {
    return mode & ~FileMode.S_IFMT;
  }

  public boolean isDirectory() {
    return type() == FileMode.S_IFDIR;
  }

  public boolean isRegular() {
    return type() == FileMode.S_IFREG;
  }

  public boolean isSymbolicLink() {
    return type() == FileMode.S_IFLNK;
  }

  public boolean isSocket() {
    return type() == FileMode.S_IFSOCK;
  }

  public boolean isBlockDevice() {
    return type() == FileMode.S_IFBLK;
  }

  public boolean isCharacterDevice() {
    return type() == FileMode.S_IFCHR;
  }

  public boolean isFifo() {
    return type() == FileMode.S_IFIFO;
  }
}
