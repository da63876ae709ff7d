package dev.molo.pod;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;

/**
 * A pod's serial queue: what is submitted runs one at a time, in order: on its caller's thread when
 * nothing else is under way and the caller waits anyhow, else on a virtual thread that lives only
 * while there is work. Whoever changes the pod's state does it here; whoever has to wait for the
 * world (an exit, a client) does it elsewhere, so that a stop can always get in.
 *
 * <p>Thread-safe. Work submitted from the lane itself by {@link #call} would wait for itself, and
 * is refused.
 */
final class Lane {
  /**
   * Far more than a pod's callers; past it something is stuck and more would only be lost memory.
   */
  static final int MAX_QUEUED = 256;

  private final String name;
  private final Executor threads;
  private final Queue<Runnable> queue = new ArrayDeque<>();
  private Thread drainer;
  private boolean draining;

  /**
   * @param threads starts a thread for each drain: virtual threads in the daemon
   */
  Lane(String name, Executor threads) {
    this.name = name;
    this.threads = threads;
  }

  /**
   * Runs {@code work} on the lane and waits for it. The work goes on when the waiting thread is
   * interrupted.
   */
  <T> T call(Callable<T> work) {
    synchronized (queue) {
      if (Thread.currentThread().equals(drainer)) {
        throw new IllegalStateException("lane " + name + " asked to wait for itself");
      }
      if (!draining) {
        draining = true;
        drainer = Thread.currentThread();
      }
    }
    return isOwnThread() ? here(work) : Waiting.uninterruptibly(submit(work));
  }

  /** The lane was idle: to hand the work to another thread would only cost two switches. */
  private <T> T here(Callable<T> work) {
    boolean interrupted = Thread.interrupted();
    try {
      return work.call();
    } catch (Exception e) {
      throw Waiting.rethrown(e);
    } finally {
      handOver();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** What was queued meanwhile is not the caller's to do. */
  private void handOver() {
    synchronized (queue) {
      drainer = null;
      draining = !queue.isEmpty();
      if (!draining) {
        return;
      }
    }
    threads.execute(this::drain);
  }

  /** {@link #call} for work without a result. */
  void run(Runnable work) {
    call(() -> {
      work.run();
      return null;
    });
  }

  /** Queues {@code work} and returns at once. */
  <T> CompletableFuture<T> submit(Callable<T> work) {
    CompletableFuture<T> result = new CompletableFuture<>();
    synchronized (queue) {
      if (queue.size() >= MAX_QUEUED) {
        throw new FaultException(
            Fault.RESOURCE_EXHAUSTED,
            "queue work for %s: %d operations wait already".formatted(name, MAX_QUEUED));
      }
      queue.add(() -> complete(result, work));
      if (draining) {
        return result;
      }
      draining = true;
    }
    threads.execute(this::drain);
    return result;
  }

  private static <T> void complete(CompletableFuture<T> result, Callable<T> work) {
    try {
      result.complete(work.call());
    } catch (Throwable e) {
      result.completeExceptionally(e);
    }
  }

  private void drain() {
    synchronized (queue) {
      drainer = Thread.currentThread();
    }
    while (true) {
      Runnable next;
      synchronized (queue) {
        next = queue.poll();
        if (next == null) {
          draining = false;
          drainer = null;
          return;
        }
      }
      next.run();
    }
  }

  private boolean isOwnThread() {
    synchronized (queue) {
      return Thread.currentThread().equals(drainer);
    }
  }

  /** Waiting for a result that must not be lost with its waiter. */
  static final class Waiting {
    private Waiting() {}

    static <T> T uninterruptibly(CompletableFuture<T> result) {
      boolean interrupted = false;
      try {
        while (true) {
          try {
            return result.get();
          } catch (InterruptedException e) {
            interrupted = true;
          } catch (ExecutionException e) {
            throw rethrown(e.getCause());
          }
        }
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    /** The failure itself, so that the edge sees its type; its stack is where it happened. */
    private static RuntimeException rethrown(Throwable cause) {
      return switch (cause) {
        case RuntimeException e -> e;
        case Error e -> throw e;
        default -> new IllegalStateException(cause);
      };
    }
  }
}
