package dev.molo.image.layer;

/**
 * What a layer may unpack to. They stop bombs, not big images.
 *
 * @param maxBytes unpacked bytes of one layer
 * @param maxEntries entries of one layer
 * @param maxRatio unpacked to compressed, looked at once {@link #RATIO_FLOOR} bytes are unpacked;
 *     gzip cannot exceed 1032
 */
public record UnpackLimits(long maxBytes, long maxEntries, long maxRatio) {

  /** Below this many unpacked bytes any ratio is harmless. */
  public static final long RATIO_FLOOR = 1L << 30;

  /** 64 GiB, 4 million entries, 1:2000. */
  public static UnpackLimits standard() {
    return new UnpackLimits(64L << 30, 4_000_000, 2000);
  }
}
