package dev.molo.image.layer;

import dev.molo.image.Digest;
import java.util.Optional;

/**
 * A layer in the store.
 *
 * @param diffId digest of its tar
 * @param name of its directory below images/layers, at most 20 characters
 * @param bytes allocated
 * @param inodes used
 * @param tarBytes length of its tar; negative when the tar cannot be made again, because nothing is
 *     kept of it
 * @param blob digest of the blob it came as, where that is kept beside it
 * @param boot id of the boot in which it was unpacked
 */
public record StoredLayer(
    Digest diffId,
    String name,
    long bytes,
    long inodes,
    long tarBytes,
    Optional<Digest> blob,
    String boot) {

  /**
   * How many digits of the diffID make a name: 80 bits, so that two layers of one store never meet
   * by chance.
   */
  private static final int NAME_LENGTH = 20;

  /** The directory's name for a diffID. */
  public static String nameOf(Digest diffId) {
    return diffId.hex().substring(0, NAME_LENGTH);
  }

  /** What overlayfs gets as a lower directory, relative to images/layers. */
  public String lowerDir() {
    return name + "/fs";
  }
}
