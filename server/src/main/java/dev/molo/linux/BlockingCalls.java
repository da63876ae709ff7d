package dev.molo.linux;

import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * A small bounded pool of named platform threads for native calls that may block.
 *
 * <p>A native call pins a virtual thread's carrier; there are as few carriers as processors, so two
 * of them in a dead file system would stop the daemon. A call made here parks the virtual thread
 * instead. On a platform thread {@link #run} calls directly: nothing would be won. Threads end
 * after ten idle seconds. Thread-safe.
 */
public final class BlockingCalls implements AutoCloseable {

  private final ThreadPoolExecutor pool;

  /**
   * At most {@code threads} calls at once and {@code queue} more waiting; beyond that callers get
   * EAGAIN.
   */
  public BlockingCalls(int threads, int queue) {
    ThreadFactory names = Thread.ofPlatform().name("molo-blocking-", 0).daemon().factory();
    pool =
        new ThreadPoolExecutor(
            threads, threads, 10, TimeUnit.SECONDS, new ArrayBlockingQueue<>(queue), names);
    pool.allowCoreThreadTimeOut(true);
  }

  /**
   * Runs {@code call} on the pool when the caller is a virtual thread, else right here; its
   * exceptions pass through.
   */
  public <T> T run(String what, Supplier<T> call) {
    if (!Thread.currentThread().isVirtual()) {
      return call.get();
    }
    return await(submit(what, call));
  }

  /**
   * Runs {@code call} on the pool, whoever calls, and waits no longer than {@code limit}.
   *
   * <p>After the limit the call itself goes on: a thread in a dead file system cannot be
   * interrupted. Its result is given to {@code abandoned} (to close a descriptor that nobody will
   * take), and the pool has one thread less until then.
   *
   * @throws LinuxException ETIMEDOUT naming {@code what}
   */
  public <T> T runWithin(
      Duration limit, String what, Supplier<T> call, java.util.function.Consumer<T> abandoned) {
    Handover<T> handover = new Handover<>(abandoned);
    CompletableFuture<T> future = submit(what, () -> handover.offer(call.get()));
    try {
      return Deadlines.get(future, limit);
    } catch (TimeoutException e) {
      if (handover.abandon()) {
        throw new LinuxException("wait", Errno.ETIMEDOUT, what + ", after " + limit);
      }
      return await(future);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      if (handover.abandon()) {
        throw new LinuxException("wait", Errno.EINTR, what);
      }
      return await(future);
    } catch (ExecutionException e) {
      throw rethrow(e);
    }
  }

  /** Calls running now. */
  public int active() {
    return pool.getActiveCount();
  }

  /** Calls waiting for a thread. */
  public int queued() {
    return pool.getQueue().size();
  }

  /** Refuses new calls; those under way finish by themselves. */
  @Override
  public void close() {
    pool.shutdown();
  }

  private <T> CompletableFuture<T> submit(String what, Supplier<T> call) {
    try {
      return CompletableFuture.supplyAsync(call, pool);
    } catch (RejectedExecutionException e) {
      LinuxException full =
          new LinuxException(
              "submit",
              Errno.EAGAIN,
              what + ": " + pool.getActiveCount() + " blocking calls under way");
      full.initCause(e);
      throw full;
    }
  }

  private static <T> T await(CompletableFuture<T> future) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return future.get();
        } catch (InterruptedException e) {
          // The call has an effect that its caller must learn of; the interruption is told
          // afterwards.
          interrupted = true;
        } catch (ExecutionException e) {
          throw rethrow(e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static RuntimeException rethrow(ExecutionException e) {
    if (e.getCause() instanceof RuntimeException cause) {
      return cause;
    }
    if (e.getCause() instanceof Error error) {
      throw error;
    }
    return new IllegalStateException(e.getCause());
  }

  /** Decides, once, whether a result goes to the waiting caller or to the abandoned hook. */
  private static final class Handover<T> {
    private final java.util.function.Consumer<T> abandonedHook;
    private boolean done;
    private boolean abandoned;

    Handover(java.util.function.Consumer<T> abandonedHook) {
      this.abandonedHook = abandonedHook;
    }

    T offer(T result) {
      boolean late;
      synchronized (this) {
        done = true;
        late = abandoned;
      }
      if (late) {
        abandonedHook.accept(result);
      }
      return result;
    }

    synchronized boolean abandon() {
      abandoned = !done;
      return abandoned;
    }
  }
}
