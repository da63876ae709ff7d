package dev.molo.image.layer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * Reads a source into buffers: on the reader's own thread, or, while a processor is free, ahead of
 * it on a helper's, so that a layer is decompressed while what came before is hashed and written.
 *
 * <p>{@link #next} and {@link #close} are for one reader. The source is read by one thread at a
 * time; this object's monitor hands it over. Whoever waits is woken when there are several buffers
 * to work on, as a wake-up costs about as much as a buffer.
 */
final class ReadAhead implements BufferSource {
  /** How many buffers a wake-up is worth. */
  private static final int WORTHWHILE = SpareProcessors.RING / 2;

  private final DirectSource source;
  private final ByteBuffer own;
  private final SpareProcessors processors;
  private final Runnable abandon;
  private final Deque<ByteBuffer> filled = new ArrayDeque<>(SpareProcessors.RING);
  private final Deque<ByteBuffer> empty = new ArrayDeque<>(SpareProcessors.RING);
  private ByteBuffer[] ring;
  private ByteBuffer lent;
  private boolean helped;
  private boolean ended;
  private boolean closed;
  private Throwable failure;

  /**
   * @param source closed with this
   * @param own the buffer for what the reader reads itself: direct, whatever is in it
   * @param abandon ends a read of the source that waits, from any thread; called when this is
   *     closed while a helper reads
   */
  ReadAhead(DirectSource source, ByteBuffer own, SpareProcessors processors, Runnable abandon) {
    this.source = source;
    this.own = own;
    this.processors = processors;
    this.abandon = abandon;
  }

  @Override
  public ByteBuffer next() throws IOException {
    ByteBuffer ahead = ahead();
    if (ahead != null) {
      return ahead;
    }
    BufferSource.fill(own, source);
    return own;
  }

  /** What a helper has read; null when the reader has to read itself. */
  private synchronized ByteBuffer ahead() throws IOException {
    takeBack();
    if (filled.isEmpty() && !helped && !ended && failure == null && processors.help(this::help)) {
      helped = true;
      lendRing();
    }
    if (filled.isEmpty()) {
      awaitHelper();
    }
    if (!filled.isEmpty()) {
      lent = filled.remove();
      return lent;
    }
    if (failure != null) {
      throw failed();
    }
    return ended ? own.limit(0) : null;
  }

  private void takeBack() {
    if (lent == null) {
      return;
    }
    empty.add(lent);
    lent = null;
    if (empty.size() == WORTHWHILE) {
      notifyAll();
    }
  }

  private void lendRing() {
    if (ring == null) {
      ring = processors.takeRing();
      empty.addAll(List.of(ring));
    }
  }

  private void awaitHelper() throws IOException {
    try {
      while (helped && filled.size() < WORTHWHILE) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private IOException failed() {
    return switch (failure) {
      case IOException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(failure);
    };
  }

  /** On a helper's thread, until the source's end, or its processor is wanted. */
  private void help() {
    Throwable problem = null;
    try {
      boolean more = true;
      while (more) {
        ByteBuffer buffer = nextEmpty();
        if (buffer == null) {
          break;
        }
        BufferSource.fill(buffer, source);
        more = put(buffer);
      }
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      problem = e;
    } finally {
      end(problem);
    }
  }

  /** Null when the helper is to stop. */
  private synchronized ByteBuffer nextEmpty() throws InterruptedException {
    if (empty.isEmpty()) {
      while (!closed && empty.size() < WORTHWHILE) {
        wait();
      }
    }
    return closed || processors.crowded() ? null : empty.remove();
  }

  /** False when the source has ended. */
  private synchronized boolean put(ByteBuffer buffer) {
    // A buffer that is not full is the last one.
    ended = buffer.limit() < buffer.capacity();
    (buffer.hasRemaining() ? filled : empty).add(buffer);
    if (filled.size() == WORTHWHILE) {
      notifyAll();
    }
    return !ended;
  }

  private synchronized void end(Throwable problem) {
    helped = false;
    failure = problem;
    notifyAll();
  }

  @Override
  public void close() throws IOException {
    try {
      if (stopHelper()) {
        abandon.run();
      }
    } finally {
      awaitEndOfHelper();
      if (ring != null) {
        processors.giveBack(ring);
        ring = null;
      }
      source.close();
    }
  }

  /** Whether there is one that may wait for the source. */
  private synchronized boolean stopHelper() {
    closed = true;
    notifyAll();
    return helped && !ended;
  }

  /** However long it takes: what the helper reads may be freed only then. */
  private synchronized void awaitEndOfHelper() {
    boolean interrupted = false;
    while (helped) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
