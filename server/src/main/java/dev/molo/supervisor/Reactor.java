package dev.molo.supervisor;

import dev.molo.linux.Epoll;
import dev.molo.linux.EpollEvents;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One platform thread, {@code molo-reactor}, that reads what supervisors and the mounter say.
 *
 * <p>Handlers run on that thread and never wait. A descriptor is closed by the thread itself,
 * between two rounds, so that no event can meet a number that somebody else has got meanwhile.
 */
final class Reactor implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Reactor.class);
  private static final int EVENTS_AT_ONCE = 64;

  /** Told when its descriptor can be read. */
  @FunctionalInterface
  interface Handler {
    void readable();
  }

  private final Linux linux;
  private final Fd epoll;
  private final Fd wake;
  private final AtomicLong ids = new AtomicLong();
  private final Map<Long, Handler> handlers = new ConcurrentHashMap<>();
  private final Queue<Fd> toClose = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private volatile boolean closed;

  Reactor(Linux linux) {
    this.linux = linux;
    this.epoll = linux.epoll().create();
    this.wake = linux.epoll().eventfd();
    linux.epoll().add(epoll, wake, Epoll.EPOLLIN, 0);
    this.thread = Thread.ofPlatform().daemon().name("molo-reactor").start(this::run);
  }

  /** Watches a descriptor until {@link #forget}; returns the key for that. */
  long watch(Fd fd, Handler handler) {
    long id = ids.incrementAndGet();
    handlers.put(id, handler);
    linux.epoll().add(epoll, fd, Epoll.EPOLLIN, id);
    return id;
  }

  /** Ends the watch and closes the descriptor. */
  void forget(long id, Fd fd) {
    if (handlers.remove(id) != null) {
      linux.epoll().remove(epoll, fd);
      if (closed) {
        fd.close();
        return;
      }
      toClose.add(fd);
      linux.epoll().signal(wake);
    }
  }

  private void run() {
    EpollEvents events = new EpollEvents(EVENTS_AT_ONCE);
    while (!closed) {
      int count = linux.epoll().await(epoll, events, -1);
      for (int i = 0; i < count; i++) {
        handle(events.data(i));
      }
      for (Fd fd = toClose.poll(); fd != null; fd = toClose.poll()) {
        fd.close();
      }
    }
  }

  private void handle(long id) {
    if (id == 0) {
      linux.epoll().drain(wake);
      return;
    }
    Handler handler = handlers.get(id);
    if (handler == null) {
      return;
    }
    try {
      handler.readable();
    } catch (RuntimeException e) {
      log.error("read from a supervisor", e);
    }
  }

  @Override
  public void close() {
    closed = true;
    linux.epoll().signal(wake);
    try {
      thread.join(1000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!thread.isAlive()) {
      epoll.close();
      wake.close();
    }
  }
}
