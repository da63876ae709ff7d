package dev.molo.linux.jnr;

import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Native memory for the arguments of one call, borrowed and given back.
 *
 * <p>A thread-local would make one for every virtual thread; these few are shared, and a borrower
 * who finds its slot empty makes a new one. For the borrowing thread only.
 */
final class Scratch implements AutoCloseable {

  /** Two longest paths, the structs beside them, and a directory block. */
  private static final int SIZE = 24 * 1024;

  private static final int SLOTS = 16;
  private static final AtomicReferenceArray<Scratch> POOL = new AtomicReferenceArray<>(SLOTS);

  private final ByteBuffer memory;
  private final long base;
  private int used;

  private Scratch(int size) {
    memory = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
    base = Kernel.address(memory);
  }

  /** Borrows the usual size. */
  static Scratch borrow() {
    Scratch found = POOL.getAndSet(slot(), null);
    return found == null ? new Scratch(SIZE) : found;
  }

  /** Borrows at least {@code bytes}. */
  static Scratch borrow(int bytes) {
    return bytes <= SIZE ? borrow() : new Scratch(bytes);
  }

  private static int slot() {
    return (int) (Thread.currentThread().threadId() & (SLOTS - 1));
  }

  int capacity() {
    return memory.capacity();
  }

  /** Reserves zeroed room, aligned to 8 bytes; its offset. */
  int reserve(int bytes) {
    int offset = reserveDirty(bytes);
    for (int i = 0; i < bytes; i++) {
      memory.put(offset + i, (byte) 0);
    }
    return offset;
  }

  /** Reserves room with whatever was there. */
  int reserveDirty(int bytes) {
    int offset = used;
    if (bytes > memory.capacity() - offset) {
      throw new IllegalStateException("scratch memory is too small for " + bytes + " more bytes");
    }
    used = (offset + bytes + 7) & ~7;
    return offset;
  }

  /** Copies bytes in; their offset. */
  int bytes(byte[] content) {
    int offset = reserveDirty(content.length);
    memory.put(offset, content);
    return offset;
  }

  /** A NUL-terminated copy; its address. A NUL inside would cut it short and is refused. */
  long string(byte[] text) {
    if (text.length > memory.capacity() - used - 8) {
      throw new LinuxException("copy string", Errno.ENAMETOOLONG, text.length + " bytes");
    }
    for (byte b : text) {
      if (b == 0) {
        throw new LinuxException(
            "copy string", Errno.EINVAL, "a NUL byte inside " + Detail.text(text));
      }
    }
    int offset = reserveDirty(text.length + 1);
    memory.put(offset, text);
    memory.put(offset + text.length, (byte) 0);
    return base + offset;
  }

  /** The address of an offset. */
  long at(int offset) {
    return base + offset;
  }

  ByteBuffer memory() {
    return memory;
  }

  byte[] copyOut(int offset, int length) {
    byte[] out = new byte[length];
    memory.get(offset, out);
    return out;
  }

  @Override
  public void close() {
    used = 0;
    if (memory.capacity() == SIZE) {
      POOL.set(slot(), this);
    }
  }
}
