package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;
import static dev.molo.linux.jnr.Kernel.is;

import dev.molo.linux.Architecture;
import dev.molo.linux.BlockingCalls;
import dev.molo.linux.Epoll;
import dev.molo.linux.EpollEvents;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.util.concurrent.TimeUnit;
import java.util.function.IntToLongFunction;

/** {@link Epoll} by system calls. */
final class JnrEpoll implements Epoll {

  private static final int EPOLL_CTL_ADD = 1;
  private static final int EPOLL_CTL_DEL = 2;
  private static final int EPOLL_CTL_MOD = 3;
  private static final int DATA = Architecture.current() == Architecture.X86_64 ? 4 : 8;

  private final BlockingCalls blocking;

  JnrEpoll(BlockingCalls blocking) {
    this.blocking = blocking;
  }

  @Override
  public Fd create() {
    return JnrFiles.owned(
        check(
            Call.EPOLL_CREATE1,
            call(Call.EPOLL_CREATE1, OpenFlags.O_CLOEXEC),
            () -> "EPOLL_CLOEXEC"));
  }

  @Override
  public void add(Fd epoll, Fd target, int events, long data) {
    control(epoll, EPOLL_CTL_ADD, target, events, data);
  }

  @Override
  public void modify(Fd epoll, Fd target, int events, long data) {
    control(epoll, EPOLL_CTL_MOD, target, events, data);
  }

  private static void control(Fd epoll, int operation, Fd target, int events, long data) {
    try (Scratch scratch = Scratch.borrow()) {
      int event = scratch.reserve(16);
      scratch.memory().putInt(event, events).putLong(event + DATA, data);
      long result =
          call(Call.EPOLL_CTL, epoll.number(), operation, target.number(), scratch.at(event));
      check(Call.EPOLL_CTL, result, () -> "operation " + operation + ", " + Detail.fd(target));
    }
  }

  @Override
  public void remove(Fd epoll, Fd target) {
    long result = call(Call.EPOLL_CTL, epoll.number(), EPOLL_CTL_DEL, target.number(), 0);
    if (!is(result, Errno.ENOENT)) {
      check(Call.EPOLL_CTL, result, () -> "EPOLL_CTL_DEL, " + Detail.fd(target));
    }
  }

  @Override
  public int await(Fd epoll, EpollEvents into, int timeoutMillis) {
    long memory = Kernel.address(into.memory());
    return (int)
        repeat(
            "epoll_wait",
            epoll,
            timeoutMillis,
            left -> Kernel.epollWaitOnce(epoll.number(), memory, into.capacity(), left));
  }

  /** Repeats an interrupted wait for what is left of its time. */
  private static long repeat(String name, Fd fd, int timeoutMillis, IntToLongFunction attempt) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    int left = timeoutMillis;
    while (true) {
      long result = attempt.applyAsLong(left);
      if (result >= 0) {
        return result;
      }
      if (!is(result, Errno.EINTR)) {
        throw new LinuxException(name, (int) -result, Detail.fd(fd));
      }
      if (timeoutMillis >= 0) {
        left = (int) Math.max(0, TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime()));
      }
    }
  }

  @Override
  public Fd eventfd() {
    int flags = OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK;
    return JnrFiles.owned(
        check(Call.EVENTFD2, call(Call.EVENTFD2, 0, flags), () -> "EFD_CLOEXEC|EFD_NONBLOCK"));
  }

  @Override
  public void signal(Fd eventfd) {
    try (Scratch scratch = Scratch.borrow()) {
      int one = scratch.reserveDirty(8);
      scratch.memory().putLong(one, 1);
      long result = call(Call.WRITE, eventfd.number(), scratch.at(one), 8);
      // EAGAIN: the count is at its limit, so the epoll is awake already.
      if (!is(result, Errno.EAGAIN)) {
        check(Call.WRITE, result, () -> "eventfd " + eventfd);
      }
    }
  }

  @Override
  public long drain(Fd eventfd) {
    try (Scratch scratch = Scratch.borrow()) {
      int count = scratch.reserveDirty(8);
      long result = call(Call.READ, eventfd.number(), scratch.at(count), 8);
      if (is(result, Errno.EAGAIN)) {
        return 0;
      }
      check(Call.READ, result, () -> "eventfd " + eventfd);
      return scratch.memory().getLong(count);
    }
  }

  @Override
  public int poll(Fd fd, int events, int timeoutMillis) {
    if (timeoutMillis == 0) {
      return pollHere(fd, events, 0);
    }
    return blocking.run("ppoll", () -> pollHere(fd, events, timeoutMillis));
  }

  private static int pollHere(Fd fd, int events, int timeoutMillis) {
    try (Scratch scratch = Scratch.borrow()) {
      int pollfd = scratch.reserveDirty(8);
      int timespec = scratch.reserveDirty(16);
      scratch.memory().putInt(pollfd, fd.number()).putInt(pollfd + 4, events & 0xffff);
      long ready =
          repeat(
              "ppoll",
              fd,
              timeoutMillis,
              left -> {
                scratch
                    .memory()
                    .putLong(timespec, left / 1000)
                    .putLong(timespec + 8, (left % 1000) * 1_000_000L);
                return Kernel.ppollOnce(scratch.at(pollfd), 1, left < 0 ? 0 : scratch.at(timespec));
              });
      return ready == 0 ? 0 : scratch.memory().getShort(pollfd + 6) & 0xffff;
    }
  }
}
