package dev.molo.image.registry;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Optional;
import java.util.concurrent.Semaphore;

/**
 * Memory for sections of big layers that come over further connections: off the heap, given back to
 * the system when it is not used, {@value #MAX} pieces at most for all pulls. Thread-safe.
 */
final class SectionBuffers {
  /** Bytes in one. */
  static final int SECTION = 2 << 20;

  private static final int MAX = 4;

  private final Semaphore left = new Semaphore(MAX);

  /** One of {@link #SECTION} bytes; empty when all are in use, which is no reason to wait. */
  Optional<ByteBuf> take() {
    return left.tryAcquire()
        ? Optional.of(Unpooled.directBuffer(SECTION, SECTION))
        : Optional.empty();
  }

  /** Gives up one reference; the last one frees the memory. */
  void release(ByteBuf buffer) {
    if (buffer.release()) {
      left.release();
    }
  }
}
