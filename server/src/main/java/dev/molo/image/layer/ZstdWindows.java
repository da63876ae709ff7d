package dev.molo.image.layer;

import dev.molo.image.Cancellation;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * Memory for the windows of the zstd streams that are read at once: each may have the {@link
 * #USUAL} one, and one at a time a bigger one; who needs it meanwhile waits. Thread-safe.
 */
final class ZstdWindows {
  /** What every decoder should offer, and no encoder exceed unasked (RFC 8878, 3.1.1.1.2). */
  static final long USUAL = 8 << 20;

  /** The most that zstd's own decoder takes unasked: {@code --long=27}. */
  static final long MOST = 128 << 20;

  /** Guarded by this object's monitor, as is the number of those who wait for it. */
  private boolean bigTaken;

  private int waiting;

  /**
   * A decoder of all frames.
   *
   * @param compressed closed with the source
   * @param input direct, {@link ZstdSource#INPUT} bytes, for the source alone
   * @param cancellation ends the wait for a bigger window, which may last as long as another's
   *     stream
   */
  DirectSource open(InputStream compressed, ByteBuffer input, Cancellation cancellation) {
    return new Decoder(compressed, input, cancellation);
  }

  /** Whether somebody waits for a bigger window. */
  synchronized boolean isAwaited() {
    return waiting > 0;
  }

  private synchronized void takeBig(Cancellation cancellation) throws IOException {
    waiting++;
    try {
      while (bigTaken) {
        cancellation.check();
        wait();
      }
      bigTaken = true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      waiting--;
    }
  }

  private synchronized void giveBigBack() {
    bigTaken = false;
    notifyAll();
  }

  private synchronized void lookAgain() {
    notifyAll();
  }

  private final class Decoder implements DirectSource {
    private final ZstdSource frames;
    private final Cancellation cancellation;
    private boolean hasBig;

    Decoder(InputStream compressed, ByteBuffer input, Cancellation cancellation) {
      this.cancellation = cancellation;
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
        try (Cancellation.Registration _ = cancellation.onCancel(ZstdWindows.this::lookAgain)) {
          takeBig(cancellation);
        }
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
          giveBigBack();
        }
      }
    }
  }
}
