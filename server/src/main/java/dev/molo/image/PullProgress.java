package dev.molo.image;

import java.time.Instant;
import java.util.List;

/**
 * How far a pull or an import is; an immutable snapshot.
 *
 * @param reference the normalised reference, or the archive's name
 * @param stage what is going on
 * @param since when this pull began
 * @param layers base layer first; empty until the manifest is known
 */
public record PullProgress(String reference, Stage stage, Instant since, List<Layer> layers) {

  /** The steps of a pull, in order. */
  public enum Stage {
    RESOLVING,
    FETCHING,
    SYNCING,
    DONE
  }

  /** The steps of one layer. */
  public enum LayerStage {
    /** In the store already. */
    PRESENT,
    WAITING,
    /** Download, decompression, check and unpacking run together. */
    FETCHING,
    UNPACKED
  }

  /**
   * One layer.
   *
   * @param digest of the compressed blob
   * @param stage where it is
   * @param bytes compressed bytes so far
   * @param totalBytes compressed size by the manifest
   * @param bytesPerSecond how fast it comes right now; 0 when nothing comes
   */
  public record Layer(
      Digest digest, LayerStage stage, long bytes, long totalBytes, long bytesPerSecond) {}

  /** Copies its list. */
  public PullProgress {
    layers = List.copyOf(layers);
  }
}
