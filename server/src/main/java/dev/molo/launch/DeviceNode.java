package dev.molo.launch;

import dev.molo.linux.FileMode;

/**
 * A device node to be made in a container.
 *
 * @param path in the container, cleaned
 * @param mode type and permissions
 * @param permissions what the device filter lets through: of r, w, m
 */
record DeviceNode(
    String path, int mode, int major, int minor, long uid, long gid, String permissions) {
  /** A character device that everybody may use. */
  static DeviceNode common(String path, int major, int minor) {
    return new DeviceNode(path, FileMode.S_IFCHR | 0666, major, minor, 0, 0, "rwm");
  }

  boolean isBlock() {
    return (mode & FileMode.S_IFMT) == FileMode.S_IFBLK;
  }
}
