package dev.molo.image.registry;

import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A response's body as a blocking stream. The event loop fills it, one reader empties it; between
 * {@link #HIGH} and {@link #LOW} bytes the connection is not read, so that a slow disk slows the
 * network and no memory grows.
 */
final class BodyStream extends InputStream {
  /** Little, for it lives on the heap. The kernel's socket buffer is the bigger one. */
  private static final int HIGH = 128 << 10;

  private static final int LOW = HIGH / 2;

  private final HttpClientResponse response;
  private final Context eventLoop;
  private final RegistrySettings.Limits limits;
  private final Cancellation cancellation;
  private final Cancellation.Registration registration;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final BodyBuffer buffer = new BodyBuffer(HIGH + HttpClients.CHUNK);
  private long waitedInAll;
  private long waitedNow;
  private long takenNow;
  private boolean paused;
  private boolean ended;
  private boolean closed;
  private Throwable failure;

  /** Called on the event loop, as soon as the response's head is there; the body begins to flow. */
  BodyStream(
      HttpClientResponse response,
      Context eventLoop,
      RegistrySettings.Limits limits,
      Cancellation cancellation) {
    this.response = response;
    this.eventLoop = eventLoop;
    this.limits = limits;
    this.cancellation = cancellation;
    response.handler(this::arrived).endHandler(end -> finish(null)).exceptionHandler(this::finish);
    this.registration = cancellation.onCancel(this::abort);
  }

  private void arrived(Buffer bytes) {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      buffer.add(bytes);
      if (buffer.length() >= HIGH && !paused) {
        paused = true;
        response.pause();
      }
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  private void finish(Throwable cause) {
    lock.lock();
    try {
      if (!ended) {
        ended = true;
        failure = cause;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void abort() {
    lock.lock();
    try {
      closed = true;
      buffer.clear();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    eventLoop.runOnContext(v -> resetUnlessEnded());
  }

  /** On the event loop. A connection whose answer has ended may carry somebody else's by now. */
  private void resetUnlessEnded() {
    lock.lock();
    try {
      if (ended) {
        return;
      }
    } finally {
      lock.unlock();
    }
    response.request().reset();
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  /**
   * Waits for bytes.
   *
   * @throws IOException when the connection broke or said nothing for the idle limit
   * @throws FaultException when the caller cancelled
   */
  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    lock.lock();
    try {
      long left = limits.idle().toNanos();
      while (buffer.length() == 0) {
        cancellation.check();
        if (ended) {
          return end();
        }
        if (closed) {
          throw new IOException("the stream is closed");
        }
        if (left <= 0) {
          throw new IOException("nothing came for " + limits.idle().toSeconds() + " s");
        }
        long before = System.nanoTime();
        left = changed.awaitNanos(left);
        if (left > 0) {
          waited(System.nanoTime() - before);
        }
      }
      return take(into, offset, length);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Only time spent waiting for the network counts, in stretches as long as the idle limit: a
   * connection that trickles is as bad as one that is silent, and the next one may be better.
   */
  private void waited(long nanos) throws IOException {
    waitedInAll += nanos;
    waitedNow += nanos;
    if (waitedNow < limits.idle().toNanos()) {
      return;
    }
    double seconds = waitedNow / 1e9;
    if (takenNow + buffer.length() < limits.minimumRate() * seconds) {
      throw new IOException(
          "only %d bytes came in %.1f s of waiting; %d bytes a second is the least"
              .formatted(takenNow + buffer.length(), seconds, limits.minimumRate()));
    }
    waitedNow = 0;
    takenNow = 0;
  }

  /** How long its reader has waited for the network so far. */
  long waitedNanos() {
    lock.lock();
    try {
      return waitedInAll;
    } finally {
      lock.unlock();
    }
  }

  private int end() throws IOException {
    if (failure != null) {
      throw new IOException(Failures.text(failure), failure);
    }
    return -1;
  }

  private int take(byte[] into, int offset, int length) {
    int n = buffer.take(into, offset, length);
    takenNow += n;
    if (paused && buffer.length() <= LOW) {
      paused = false;
      eventLoop.runOnContext(v -> response.resume());
    }
    return n;
  }

  /** Ends the exchange; the connection is dropped when the body has not been read to its end. */
  @Override
  public void close() {
    registration.close();
    boolean unread;
    lock.lock();
    try {
      unread = !ended && !closed;
      closed = true;
      buffer.clear();
    } finally {
      lock.unlock();
    }
    if (unread) {
      eventLoop.runOnContext(v -> resetUnlessEnded());
    }
  }
}
