package dev.molo.linux.jnr;

import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import java.nio.ByteBuffer;
import java.util.function.Supplier;
import jnr.ffi.LastError;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.SaveError;

/**
 * The funnel for system calls. Every method returns what the kernel returned, an error as a
 * negative errno, and retries EINTR. libc is bound when the first call is made. Thread-safe.
 */
final class Kernel {

  /** -EINTR. */
  private static final long INTERRUPTED = -4;

  /**
   * libc, as little of it as possible: a small interface loads fast. Integers and addresses are all
   * {@code long}.
   */
  public interface Libc {
    @SaveError
    long syscall(long number);

    @SaveError
    long syscall(long number, long a);

    @SaveError
    long syscall(long number, long a, long b);

    @SaveError
    long syscall(long number, long a, long b, long c);

    @SaveError
    long syscall(long number, long a, long b, long c, long d);

    @SaveError
    long syscall(long number, long a, long b, long c, long d, long e);

    // Six arguments do not fit the fast path of jffi behind a number, and libc has these.

    @SaveError
    int epoll_wait(int epoll, long events, int capacity, int timeout);

    @SaveError
    long splice(int in, long inOffset, int out, long outOffset, long length, int flags);

    @SaveError
    long copy_file_range(int in, long inOffset, int out, long outOffset, long length, int flags);
  }

  private static final class Bound {
    static final Libc LIBC = NativeLibrary.bind(Libc.class, "c", "molo needs glibc");
    static final Runtime RUNTIME = Runtime.getRuntime(LIBC);

    private Bound() {}
  }

  private Kernel() {}

  /** Binds libc, if that has not been done. */
  static void bind() {
    var _ = Bound.RUNTIME;
  }

  static long call(Call call) {
    long result;
    do {
      result = Bound.LIBC.syscall(call.number());
      if (result != -1) {
        return result;
      }
      result = -LastError.getLastError(Bound.RUNTIME);
    } while (result == INTERRUPTED);
    return result;
  }

  static long call(Call call, long a) {
    long result;
    do {
      result = Bound.LIBC.syscall(call.number(), a);
      if (result != -1) {
        return result;
      }
      result = -LastError.getLastError(Bound.RUNTIME);
    } while (result == INTERRUPTED);
    return result;
  }

  static long call(Call call, long a, long b) {
    long result;
    do {
      result = Bound.LIBC.syscall(call.number(), a, b);
      if (result != -1) {
        return result;
      }
      result = -LastError.getLastError(Bound.RUNTIME);
    } while (result == INTERRUPTED);
    return result;
  }

  static long call(Call call, long a, long b, long c) {
    long result;
    do {
      result = Bound.LIBC.syscall(call.number(), a, b, c);
      if (result != -1) {
        return result;
      }
      result = -LastError.getLastError(Bound.RUNTIME);
    } while (result == INTERRUPTED);
    return result;
  }

  static long call(Call call, long a, long b, long c, long d) {
    long result;
    do {
      result = Bound.LIBC.syscall(call.number(), a, b, c, d);
      if (result != -1) {
        return result;
      }
      result = -LastError.getLastError(Bound.RUNTIME);
    } while (result == INTERRUPTED);
    return result;
  }

  static long call(Call call, long a, long b, long c, long d, long e) {
    long result;
    do {
      result = Bound.LIBC.syscall(call.number(), a, b, c, d, e);
      if (result != -1) {
        return result;
      }
      result = -LastError.getLastError(Bound.RUNTIME);
    } while (result == INTERRUPTED);
    return result;
  }

  /**
   * One attempt, EINTR included in the result: the caller has a clock to look at before it tries
   * again.
   */
  static long epollWaitOnce(int epoll, long events, int capacity, int timeoutMillis) {
    int result = Bound.LIBC.epoll_wait(epoll, events, capacity, timeoutMillis);
    return result != -1 ? result : -LastError.getLastError(Bound.RUNTIME);
  }

  /** One attempt at ppoll without a signal mask. */
  static long ppollOnce(long pollfds, int count, long timespec) {
    long result = Bound.LIBC.syscall(Call.PPOLL.number(), pollfds, count, timespec, 0, 0);
    return result != -1 ? result : -LastError.getLastError(Bound.RUNTIME);
  }

  /** One attempt, never more: after EINTR the number is free and may be somebody else's. */
  static void close(int number) {
    Bound.LIBC.syscall(Call.CLOSE.number(), number);
  }

  static long splice(int in, int out, long length, int flags) {
    long result;
    do {
      result = Bound.LIBC.splice(in, 0, out, 0, length, flags);
      if (result != -1) {
        return result;
      }
      result = -LastError.getLastError(Bound.RUNTIME);
    } while (result == INTERRUPTED);
    return result;
  }

  static long copyFileRange(int in, int out, long length) {
    long result;
    do {
      result = Bound.LIBC.copy_file_range(in, 0, out, 0, length, 0);
      if (result != -1) {
        return result;
      }
      result = -LastError.getLastError(Bound.RUNTIME);
    } while (result == INTERRUPTED);
    return result;
  }

  /** The address of a direct buffer's first byte (index 0, whatever its position). */
  static long address(ByteBuffer direct) {
    return Pointer.wrap(Bound.RUNTIME, direct.duplicate().clear()).address();
  }

  /** The NUL-terminated UTF-8 string at {@code address}. */
  static String string(long address) {
    return address == 0 ? "" : Pointer.wrap(Bound.RUNTIME, address).getString(0);
  }

  static boolean is(long result, Errno errno) {
    return result == -errno.number();
  }

  /** The result, or its refusal; {@code detail} is asked for on refusal only. */
  static long check(Call call, long result, Supplier<String> detail) {
    if (result < 0) {
      throw refusal(call, result, detail.get());
    }
    return result;
  }

  static LinuxException refusal(Call call, long result, String detail) {
    return new LinuxException(call.kernelName(), (int) -result, detail);
  }
}
