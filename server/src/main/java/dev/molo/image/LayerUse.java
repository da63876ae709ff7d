package dev.molo.image;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A layer in the store and who needs it.
 *
 * @param diffId digest of its tar
 * @param bytes allocated
 * @param inodes used
 * @param keptBy images, pulls and containers, sorted; empty for one that waits for a retried pull
 * @param idle how long nobody has needed it, when nobody does
 */
public record LayerUse(
    Digest diffId, long bytes, long inodes, List<String> keptBy, Optional<Duration> idle) {

  /** Copies its list. */
  public LayerUse {
    keptBy = List.copyOf(keptBy);
  }
}
