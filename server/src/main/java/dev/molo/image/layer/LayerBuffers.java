package dev.molo.image.layer;

import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * The working memory of a layer that is being unpacked, which goes from one layer to the next. New
 * memory for each would outlive the collector's young part, and the heap of a pull of many layers
 * would grow to its bound. One thread.
 */
final class LayerBuffers {
  /** Decompressed, hashed and written at once; a tar's headers alone are 512 bytes. */
  static final int BUFFER = 128 << 10;

  private final ByteBuffer archive = ByteBuffer.allocateDirect(BUFFER);
  private final ByteBuffer compressed = ByteBuffer.allocateDirect(ZstdSource.INPUT);
  private final byte[] structure = new byte[KeptTar.MAX_STRUCTURE];

  /** What has come of the tar. */
  ByteBuffer archive() {
    return archive;
  }

  /** What has come of the blob, for libraries that want it off the heap. */
  ByteBuffer compressed() {
    return compressed;
  }

  /** What is about to be kept of the archive. */
  byte[] structure() {
    return structure;
  }

  /** Those that no layer uses now. Thread-safe. */
  static final class Spares {
    /** As many as layers are unpacked at once by default. */
    private static final int KEPT = 4;

    private final BlockingQueue<LayerBuffers> spares = new ArrayBlockingQueue<>(KEPT);

    LayerBuffers take() {
      LayerBuffers spare = spares.poll();
      return spare == null ? new LayerBuffers() : spare;
    }

    /** Once, by who took them. */
    void giveBack(LayerBuffers buffers) {
      // What is too many goes to the collector.
      var _ = spares.offer(buffers);
    }
  }
}
