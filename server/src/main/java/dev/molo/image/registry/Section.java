package dev.molo.image.registry;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A stretch of a layer that is fetched ahead of its reader, on a virtual thread and a connection of
 * its own, into memory off the heap. One reader.
 */
final class Section implements AutoCloseable {
  private static final int STEP = 64 << 10;

  private final SectionBuffers buffers;
  private final ByteBuf buffer;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private int written;
  private int taken;
  private boolean ended;
  private boolean closed;
  private RuntimeException failure;

  private Section(SectionBuffers buffers, ByteBuf buffer) {
    this.buffers = buffers;
    this.buffer = buffer;
  }

  /**
   * Begins to fetch.
   *
   * @param buffer taken from {@code buffers}, given back here
   */
  static Section start(SectionBuffers buffers, ByteBuf buffer, ResumingBlob source, String name) {
    Section section = new Section(buffers, buffer);
    // The reader may be gone before the writer notices: each holds the memory for itself.
    buffer.retain();
    Thread.ofVirtual().name(name).start(() -> section.fetch(source));
    return section;
  }

  private void fetch(ResumingBlob source) {
    try (source) {
      byte[] step = new byte[STEP];
      for (int n = source.read(step, 0, STEP); n >= 0; n = source.read(step, 0, STEP)) {
        if (!put(step, n)) {
          break;
        }
      }
      end(null);
    } catch (RuntimeException e) {
      end(e);
    } catch (Error e) {
      // The reader waits for an end, whichever it is.
      end(new FaultException(Fault.INTERNAL, Thread.currentThread().getName() + ": " + e, e));
      throw e;
    } finally {
      buffers.release(buffer);
    }
  }

  private boolean put(byte[] bytes, int length) {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      buffer.setBytes(written, bytes, 0, length);
      written += length;
      changed.signal();
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void end(RuntimeException why) {
    lock.lock();
    try {
      ended = true;
      failure = why;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** As {@link java.io.InputStream#read(byte[], int, int)}; throws what the connection met. */
  int read(byte[] into, int start, int length) {
    lock.lock();
    try {
      while (taken == written && !ended) {
        changed.awaitUninterruptibly();
      }
      if (taken == written) {
        if (failure != null) {
          throw failure;
        }
        return -1;
      }
      int n = Math.min(length, written - taken);
      buffer.getBytes(taken, into, start, n);
      taken += n;
      return n;
    } finally {
      lock.unlock();
    }
  }

  /** Called once. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
    } finally {
      lock.unlock();
    }
    buffers.release(buffer);
  }
}
