package dev.molo.linux;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * Waits of virtual threads that are limited but all but never reach their limit. The JDK schedules
 * a wake-up for each and takes it back, which wakes its scheduler's thread twice; a pod's life has
 * dozens. Here one thread looks through all waits a few times a second while there are any, and
 * sleeps without an end when there have been none for a while. Thread-safe.
 */
public final class Deadlines {
  /** A limit that is shorter is met exactly, at the JDK's price. */
  private static final long SHORT_NANOS = Duration.ofMillis(200).toNanos();

  /** A wait that begins between two looks has to be met by the second. */
  private static final long LOOK_NANOS = SHORT_NANOS / 2;

  private static final long LINGER_NANOS = Duration.ofSeconds(5).toNanos();

  private static final Set<Wait> waits = ConcurrentHashMap.newKeySet();

  /** From the beginning, so that the first wait starts the thread. */
  private static volatile boolean asleep = true;

  private record Wait(long deadline, CompletableFuture<?> result) {
    /** Each is itself: equal waits must not be taken for one. */
    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  /** Says to the waiting thread that its limit is reached. */
  private static final class Late extends Exception {
    private static final long serialVersionUID = 1;

    Late() {
      super(null, null, false, false);
    }
  }

  private static final class Looker {
    static final Thread THREAD =
        Thread.ofPlatform().name("molo-deadlines").daemon().start(Deadlines::look);

    private Looker() {}
  }

  private Deadlines() {}

  /**
   * What {@link CompletableFuture#get(long, TimeUnit)} does.
   *
   * @throws TimeoutException when {@code limit} has passed; on a busy machine a moment later
   */
  public static <T> T get(CompletableFuture<T> future, Duration limit)
      throws InterruptedException, ExecutionException, TimeoutException {
    // centuries, which do not fit, are as good as the longest that does
    long nanos = TimeUnit.NANOSECONDS.convert(limit);
    if (nanos < SHORT_NANOS || future.isDone() || !Thread.currentThread().isVirtual()) {
      return future.get(nanos, TimeUnit.NANOSECONDS);
    }
    CompletableFuture<T> result = future.copy();
    Wait wait = new Wait(System.nanoTime() + nanos, result);
    waits.add(wait);
    if (asleep) {
      LockSupport.unpark(Looker.THREAD);
    }
    try {
      return result.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Late) {
        TimeoutException late = new TimeoutException("not done within " + limit);
        late.initCause(e);
        throw late;
      }
      throw e;
    } finally {
      waits.remove(wait);
    }
  }

  private static void look() {
    asleep = false;
    long lastSeen = System.nanoTime();
    while (true) {
      long now = System.nanoTime();
      long pause = LOOK_NANOS;
      for (Wait wait : waits) {
        lastSeen = now;
        long left = wait.deadline() - now;
        if (left > 0) {
          pause = Math.min(pause, left);
        } else {
          wait.result().completeExceptionally(new Late());
        }
      }
      if (now - lastSeen < LINGER_NANOS) {
        LockSupport.parkNanos(pause);
      } else {
        sleep();
        lastSeen = System.nanoTime();
      }
    }
  }

  /** Until the next wait begins. */
  private static void sleep() {
    asleep = true;
    // a wait that was added before this was set is seen here
    if (waits.isEmpty()) {
      LockSupport.park();
    }
    asleep = false;
  }
}
