package dev.molo.image.layer;

import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * Tells whether a processor is free to help with a layer: while fewer layers are being unpacked
 * than there are processors. With all of them busy a second thread for a layer would only cost
 * wake-ups. Thread-safe.
 */
final class SpareProcessors {
  /** How many buffers a helper has at most. */
  static final int RING = 8;

  private final int processors;
  private final Executor threads;
  private final AtomicInteger busy = new AtomicInteger();
  private final BlockingQueue<ByteBuffer[]> rings;

  /**
   * @param processors how many there are, one at least
   * @param threads one for each
   */
  SpareProcessors(int processors, Executor threads) {
    this.processors = processors;
    this.threads = threads;
    this.rings = new ArrayBlockingQueue<>(processors);
  }

  /** A layer begins; {@link #leave} when it has ended. */
  void enter() {
    busy.incrementAndGet();
  }

  /** A layer has ended. */
  void leave() {
    busy.decrementAndGet();
  }

  /** Whether a helper should stop, as its processor is wanted for a layer. */
  boolean crowded() {
    return busy.get() > processors;
  }

  /**
   * Runs a helper on a thread of its own. False, and nothing happens, when no processor is free.
   */
  boolean help(Runnable helper) {
    if (busy.get() >= processors) {
      return false;
    }
    enter();
    try {
      threads.execute(() -> {
        try {
          helper.run();
        } finally {
          leave();
        }
      });
      return true;
    } catch (RejectedExecutionException e) {
      // The store is being closed, which ends the layer too.
      leave();
      return false;
    }
  }

  /** Buffers for what a helper has ready; they go from one layer to the next. */
  ByteBuffer[] takeRing() {
    ByteBuffer[] spare = rings.poll();
    return spare != null
        ? spare
        : Stream.generate(() -> ByteBuffer.allocateDirect(LayerBuffers.BUFFER))
            .limit(RING)
            .toArray(ByteBuffer[]::new);
  }

  /** Once, by who took them. */
  void giveBack(ByteBuffer[] ring) {
    // What is too many goes to the collector.
    var _ = rings.offer(ring);
  }
}
