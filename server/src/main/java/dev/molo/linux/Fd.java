package dev.molo.linux;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The owner of one open file descriptor.
 *
 * <p>{@link #close} works once; later calls do nothing, so a number that the kernel has given to
 * somebody else is never closed by mistake. EINTR from close(2) means closed on Linux; it is never
 * retried. The owner must not close while another thread is inside a call with this descriptor.
 * Thread-safe otherwise.
 */
public final class Fd implements AutoCloseable {

  /** Closes a descriptor number; the native layer supplies close(2). */
  @FunctionalInterface
  public interface Closer {
    /** Closes {@code number}, exactly once. */
    void close(int number);
  }

  /**
   * The current working directory, for the {@code dir} argument of the *at calls; closing it does
   * nothing.
   */
  public static final Fd AT_FDCWD = new Fd(-100, null);

  private final int number;
  private final Closer closer;
  private final AtomicBoolean gone = new AtomicBoolean();

  private Fd(int number, Closer closer) {
    this.number = number;
    this.closer = closer;
  }

  /** Takes ownership of {@code number}; {@code closer} ends it. */
  public static Fd owning(int number, Closer closer) {
    if (number < 0) {
      throw new IllegalArgumentException("not a descriptor: " + number);
    }
    return new Fd(number, java.util.Objects.requireNonNull(closer, "closer"));
  }

  /**
   * A view of a descriptor that somebody else owns (0, 1, 2, or one borrowed from a library);
   * closing does nothing.
   */
  public static Fd borrowed(int number) {
    if (number < 0) {
      throw new IllegalArgumentException("not a descriptor: " + number);
    }
    return new Fd(number, null);
  }

  /**
   * The descriptor's number.
   *
   * @throws IllegalStateException when it was closed or released
   */
  public int number() {
    if (gone.get()) {
      throw new IllegalStateException("descriptor " + number + " is closed or released");
    }
    return number;
  }

  /** Whether this object still owns an open descriptor. */
  public boolean isOpen() {
    return !gone.get();
  }

  /**
   * Gives up ownership without closing; the caller owns the number from now on.
   *
   * @throws IllegalStateException when it was closed or released before
   */
  public int release() {
    if (!gone.compareAndSet(false, true)) {
      throw new IllegalStateException("descriptor " + number + " is closed or released");
    }
    return number;
  }

  @Override
  public void close() {
    if (closer != null && gone.compareAndSet(false, true)) {
      closer.close(number);
    }
  }

  @Override
  public String toString() {
    return this == AT_FDCWD ? "AT_FDCWD" : "fd " + number + (gone.get() ? " (closed)" : "");
  }
}
