package dev.molo.pod;

import dev.molo.linux.Epoll;
import dev.molo.linux.EpollEvents;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.OpenFlags;
import dev.molo.pod.ExecCapture.Stream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Collects what exec'd programs print, off the heap: one thread splices ready pipes into memfds.
 *
 * <p>Every capture may hold {@link #FREE_BYTES} at once; one that wants more first gets a share of
 * the budget, as large as it can ever need, so whoever has one can finish and nobody waits in a
 * circle. Until then its pipe fills up and its program waits.
 *
 * <p>Thread-safe. The thread {@code molo-exec} starts with the first capture.
 */
final class ExecCaptures implements AutoCloseable {
  /** What a capture holds without asking: nearly every probe prints less. */
  static final int FREE_BYTES = 64 * 1024;

  /** The kubelet accepts 16 MiB in one answer; the rest of the answer is small. */
  static final long WHOLE_ANSWER_BYTES = (16L << 20) - 16 * 1024;

  private static final Logger log = LoggerFactory.getLogger(ExecCaptures.class);
  private static final int EVENTS_AT_ONCE = 64;

  private final Linux linux;
  private final long streamBytes;
  private final AtomicLong ids = new AtomicLong();
  private final Map<Long, Stream> streams = new ConcurrentHashMap<>();
  private final AtomicLong discarded = new AtomicLong();
  private final Deque<ExecCapture> waitingForShare = new ArrayDeque<>();
  private long sharesLeft;
  private Fd epoll;
  private Fd wake;
  private Fd devNull;
  private Thread pump;
  private volatile boolean closed;

  /**
   * @param streamBytes what is kept of one stream
   * @param budgetBytes what all captures together may hold; at least one share is allowed
   */
  ExecCaptures(Linux linux, long streamBytes, long budgetBytes) {
    this.linux = linux;
    this.streamBytes = streamBytes;
    this.sharesLeft = Math.max(1, budgetBytes / WHOLE_ANSWER_BYTES);
  }

  /** A new capture with its two pipes; to be closed when its bytes have been used. */
  ExecCapture open() {
    startPump();
    return new ExecCapture(this, linux, streamBytes);
  }

  /** Bytes read and thrown away so far, by all captures. */
  long discardedBytes() {
    return discarded.get();
  }

  private synchronized void startPump() {
    if (closed) {
      throw new IllegalStateException("no exec after the end of the daemon");
    }
    if (pump != null) {
      return;
    }
    epoll = linux.epoll().create();
    wake = linux.epoll().eventfd();
    devNull = linux.files().open("/dev/null", OpenFlags.O_WRONLY);
    linux.epoll().add(epoll, wake, Epoll.EPOLLIN, 0);
    pump = Thread.ofPlatform().daemon().name("molo-exec").start(this::pump);
  }

  void watch(Stream stream) {
    long id = ids.incrementAndGet();
    stream.id(id);
    streams.put(id, stream);
    linux.epoll().add(epoll, stream.readEnd(), Epoll.EPOLLIN, id);
  }

  /** Stops looking at a stream; its descriptor may be closed afterwards. */
  void forget(Stream stream) {
    if (streams.remove(stream.id()) != null) {
      linux.epoll().remove(epoll, stream.readEnd());
    }
  }

  Fd devNull() {
    return devNull;
  }

  void countDiscarded(long bytes) {
    discarded.addAndGet(bytes);
  }

  /**
   * Asks for a share of the budget.
   *
   * @return whether it is there; if not, the capture's streams are paused until it is
   */
  boolean takeShare(ExecCapture capture) {
    synchronized (waitingForShare) {
      if (sharesLeft > 0) {
        sharesLeft--;
        return true;
      }
      waitingForShare.add(capture);
      return false;
    }
  }

  /** Gives a share back, to the next who waits if there is one. */
  void returnShare() {
    ExecCapture next;
    synchronized (waitingForShare) {
      next = waitingForShare.poll();
      if (next == null) {
        sharesLeft++;
        return;
      }
    }
    next.gotShare();
  }

  /** Whoever gives up waiting must not be handed a share. */
  void cancelWait(ExecCapture capture) {
    synchronized (waitingForShare) {
      waitingForShare.remove(capture);
    }
  }

  void pause(Stream stream) {
    linux.epoll().modify(epoll, stream.readEnd(), 0, stream.id());
  }

  void resume(Stream stream) {
    linux.epoll().modify(epoll, stream.readEnd(), Epoll.EPOLLIN, stream.id());
  }

  private void pump() {
    EpollEvents events = new EpollEvents(EVENTS_AT_ONCE);
    while (!closed) {
      int count = linux.epoll().await(epoll, events, -1);
      for (int i = 0; i < count; i++) {
        Stream stream = streams.get(events.data(i));
        if (stream != null) {
          move(stream, (events.events(i) & Epoll.EPOLLIN) != 0);
        }
      }
    }
    epoll.close();
    wake.close();
    devNull.close();
  }

  /** A stream that cannot be moved ends, others go on. */
  private void move(Stream stream, boolean readable) {
    try {
      stream.move(readable);
    } catch (RuntimeException e) {
      log.warn("collect an exec'd program's output", e);
      stream.fail(e);
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (pump != null) {
      linux.epoll().signal(wake);
    }
  }
}
