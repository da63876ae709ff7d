package dev.molo.linux.jnr;

import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * Big direct buffers of one size that go from hand to hand. What lives as long as a layer takes is
 * old for the collector, which frees its memory outside the heap only when it looks at all of it.
 * Thread-safe.
 */
final class SpareBuffers {
  /** As many as layers are unpacked at once, with a hash on both sides. */
  private static final int KEPT = 8;

  private final int bytes;
  private final BlockingQueue<ByteBuffer> spares = new ArrayBlockingQueue<>(KEPT);

  SpareBuffers(int bytes) {
    this.bytes = bytes;
  }

  /** One with whatever was in it. */
  ByteBuffer take() {
    ByteBuffer spare = spares.poll();
    return spare == null ? ByteBuffer.allocateDirect(bytes) : spare;
  }

  /** Once, by who took it; it must not be touched afterwards. */
  void giveBack(ByteBuffer buffer) {
    // What is too many goes to the collector.
    var _ = spares.offer(buffer);
  }
}
