package dev.molo.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A reusable buffer that {@link Epoll#await} fills. For one thread at a time. */
public final class EpollEvents {

  /** struct epoll_event is packed on x86_64 only. */
  private static final int STRIDE = Architecture.current() == Architecture.X86_64 ? 12 : 16;

  private static final int DATA = STRIDE - 8;

  private final int capacity;
  private final ByteBuffer memory;

  /** Room for {@code capacity} events a call. */
  public EpollEvents(int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity: " + capacity);
    }
    this.capacity = capacity;
    this.memory = ByteBuffer.allocateDirect(capacity * STRIDE).order(ByteOrder.nativeOrder());
  }

  public int capacity() {
    return capacity;
  }

  /** The event bits of entry {@code index} ({@code Epoll.EPOLL*}). */
  public int events(int index) {
    return memory.getInt(index * STRIDE);
  }

  /** The data that entry {@code index} was registered with. */
  public long data(int index) {
    return memory.getLong(index * STRIDE + DATA);
  }

  /** Sets an entry; for {@link Epoll} implementations. */
  public void set(int index, int events, long data) {
    memory.putInt(index * STRIDE, events).putLong(index * STRIDE + DATA, data);
  }

  /** The kernel's layout, direct; for {@link Epoll} implementations. */
  public ByteBuffer memory() {
    return memory;
  }
}
