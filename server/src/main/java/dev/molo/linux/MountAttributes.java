package dev.molo.linux;

import java.util.Optional;

/**
 * What mount_setattr(2) changes.
 *
 * @param set {@code MountFlags.MOUNT_ATTR_*} to set; MOUNT_ATTR_IDMAP is added when {@code userns}
 *     is there
 * @param clear {@code MountFlags.MOUNT_ATTR_*} to clear
 * @param propagation {@code MS_PRIVATE}, {@code MS_SLAVE}, {@code MS_SHARED}, {@code
 *     MS_UNBINDABLE}, or 0
 * @param userns the user namespace whose mapping the mount takes
 */
public record MountAttributes(long set, long clear, long propagation, Optional<Fd> userns) {

  /** Sets flags and nothing else. */
  public static MountAttributes setting(long flags) {
    return new MountAttributes(flags, 0, 0, Optional.empty());
  }

  /** Changes the propagation and nothing else. */
  public static MountAttributes propagating(long propagation) {
    return new MountAttributes(0, 0, propagation, Optional.empty());
  }

  /** Maps ids by {@code userns} and nothing else. */
  public static MountAttributes idmapped(Fd userns) {
    return new MountAttributes(0, 0, 0, Optional.of(userns));
  }
}
