package dev.molo.linux;

/**
 * What statfs(2) says about a file system.
 *
 * @param type magic number, unsigned 32 bits (CGROUP2_SUPER_MAGIC is 0x63677270)
 * @param blockSize bytes a block
 * @param blocks all blocks
 * @param blocksFree free blocks
 * @param blocksAvailable free blocks for the unprivileged
 * @param files all inodes
 * @param filesFree free inodes
 */
public record FileSystemStat(
    long type,
    long blockSize,
    long blocks,
    long blocksFree,
    long blocksAvailable,
    long files,
    long filesFree) {

  public static final long CGROUP2_SUPER_MAGIC = 0x63677270L;
  public static final long OVERLAYFS_SUPER_MAGIC = 0x794c7630L;
  public static final long TMPFS_MAGIC = 0x01021994L;
  public static final long PROC_SUPER_MAGIC = 0x9fa0L;
}
