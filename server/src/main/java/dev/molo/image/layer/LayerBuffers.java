package dev.molo.image.layer;

import java.io.BufferedInputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * The working memory of a layer that is being unpacked, which goes from one layer to the next. New
 * arrays for each would outlive the collector's young part, and the heap of a pull of many layers
 * would grow to its bound. One thread.
 */
final class LayerBuffers {
  static final int BUFFER = 128 << 10;

  /** Decompressed and hashed at once; a tar's headers alone are 512 bytes. */
  private final byte[] archive = new byte[BUFFER];

  private final byte[] file = new byte[BUFFER];
  private final ByteBuffer direct = ByteBuffer.allocateDirect(BUFFER);
  private final byte[] structure = new byte[KeptTar.MAX_STRUCTURE];

  /** What is about to be written into a file. */
  byte[] file() {
    return file;
  }

  /** The same, where the kernel can see it. */
  ByteBuffer direct() {
    return direct;
  }

  /** What is about to be kept of the archive. */
  byte[] structure() {
    return structure;
  }

  /** The tar as it comes, in big pieces. */
  InputStream buffered(InputStream in) {
    return new Buffered(in, archive);
  }

  private static final class Buffered extends BufferedInputStream {
    Buffered(InputStream in, byte[] buffer) {
      super(in, 1);
      buf = buffer;
    }
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
