package dev.molo.image.layer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;

/**
 * Memory for the windows of the zstd streams that are read at once: each may have the {@link
 * #USUAL} one, and one at a time a bigger one; who needs it meanwhile waits. Thread-safe.
 */
final class ZstdWindows {
  /** What every decoder should offer, and no encoder exceed unasked (RFC 8878, 3.1.1.1.2). */
  static final long USUAL = 8 << 20;

  /** The most that zstd's own decoder takes unasked: {@code --long=27}. */
  static final long MOST = 128 << 20;

  private final Semaphore big = new Semaphore(1, true);

  /**
   * A decoder of all frames.
   *
   * @param compressed closed with the source
   * @param input direct, {@link ZstdSource#INPUT} bytes, for the source alone
   */
  DirectSource open(InputStream compressed, ByteBuffer input) {
    return new Decoder(compressed, input);
  }

  /** Whether somebody waits for a bigger window. */
  boolean isAwaited() {
    return big.hasQueuedThreads();
  }

  private final class Decoder implements DirectSource {
    private final ZstdSource frames;
    private boolean hasBig;

    Decoder(InputStream compressed, ByteBuffer input) {
      frames = new ZstdSource(new ZstdFrames(compressed, this::take), input);
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
      return frames.read(into);
    }

    private void take(long window) throws IOException {
      if (window > MOST) {
        throw new IOException(
            "its zstd stream needs a window of %d bytes; %d are allowed".formatted(window, MOST));
      }
      if (window > USUAL && !hasBig) {
        // Whoever has it waits for nobody in here.
        big.acquireUninterruptibly();
        hasBig = true;
      }
    }

    @Override
    public void close() throws IOException {
      try {
        frames.close();
      } finally {
        if (hasBig) {
          hasBig = false;
          big.release();
        }
      }
    }
  }
}
