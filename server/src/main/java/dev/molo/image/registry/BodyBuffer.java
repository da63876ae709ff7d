package dev.molo.image.registry;

import io.vertx.core.buffer.Buffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * What has come of a body and was not read yet, in order. Copied out of the transport's own
 * buffers, so that these die young: kept as they come, a part of them would be old for the
 * collector each time it looks, and the heap would grow to its bound. Its memory goes from one body
 * to the next. Guarded by its owner's lock.
 */
final class BodyBuffer {
  private static final BlockingQueue<byte[]> SPARES = new ArrayBlockingQueue<>(8);

  private final int capacity;

  /** Null until something comes. */
  private byte[] ring;

  private int start;
  private int inRing;

  /** What found no room; bytes that come later go behind it. */
  private final Deque<Buffer> overflow = new ArrayDeque<>();

  private int overflowOffset;
  private int inOverflow;

  /**
   * @param capacity what it usually holds at most; the same for all
   */
  BodyBuffer(int capacity) {
    this.capacity = capacity;
  }

  int length() {
    return inRing + inOverflow;
  }

  void add(Buffer bytes) {
    int length = bytes.length();
    if (length == 0) {
      return;
    }
    if (!overflow.isEmpty() || length > capacity - inRing) {
      overflow.add(bytes);
      inOverflow += length;
      return;
    }
    if (ring == null) {
      byte[] spare = SPARES.poll();
      ring = spare == null ? new byte[capacity] : spare;
    }
    int at = (start + inRing) % capacity;
    int first = Math.min(length, capacity - at);
    bytes.getBytes(0, first, ring, at);
    bytes.getBytes(first, length, ring, 0);
    inRing += length;
  }

  /** Takes out up to {@code length} bytes, of which there is one at least. */
  int take(byte[] into, int offset, int length) {
    if (inRing == 0) {
      return takeOverflow(into, offset, length);
    }
    int n = Math.min(length, Math.min(inRing, capacity - start));
    System.arraycopy(ring, start, into, offset, n);
    start = (start + n) % capacity;
    inRing -= n;
    return n;
  }

  private int takeOverflow(byte[] into, int offset, int length) {
    Buffer head = overflow.element();
    int n = Math.min(length, head.length() - overflowOffset);
    head.getBytes(overflowOffset, overflowOffset + n, into, offset);
    overflowOffset += n;
    inOverflow -= n;
    if (overflowOffset == head.length()) {
      overflow.remove();
      overflowOffset = 0;
    }
    return n;
  }

  /** Forgets what is left, and gives the memory up. */
  void clear() {
    overflow.clear();
    overflowOffset = 0;
    inOverflow = 0;
    start = 0;
    inRing = 0;
    if (ring != null) {
      // What is too many goes to the collector.
      var _ = SPARES.offer(ring);
      ring = null;
    }
  }
}
