package dev.molo.network;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one platform thread that changes the network, in the order of the calls. A virtual thread
 * that waits here is parked, so the kernel's rtnl lock never pins a carrier. Ends after ten idle
 * seconds and comes back by itself. Thread-safe.
 */
final class NetworkThread {
  private static final Logger log = LoggerFactory.getLogger(NetworkThread.class);
  private static final int MOST_WAITING = 4096;
  private static final int IDLE_SECONDS = 10;
  private static final int CLOSE_SECONDS = 10;

  private final ThreadPoolExecutor thread;

  NetworkThread() {
    thread =
        new ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MOST_WAITING),
            Thread.ofPlatform().name("molo-network").daemon().factory());
    thread.allowCoreThreadTimeOut(true);
  }

  /**
   * Runs {@code work} there and waits for it, interrupted or not: it changes the host, and the
   * caller must learn how it ended.
   */
  <T> T call(String what, Supplier<T> work) {
    Future<T> done;
    try {
      done = thread.submit(work::get);
    } catch (RejectedExecutionException e) {
      throw refused(what, e);
    }
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return done.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          throw unwrapped(e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Calls that wait. */
  int waiting() {
    return thread.getQueue().size();
  }

  /**
   * Does {@code last} after the calls under way, refuses new ones, and waits, though not forever.
   */
  void close(Runnable last) {
    try {
      thread.execute(last);
    } catch (RejectedExecutionException e) {
      log.warn("the network's thread has {} calls to do: no time to tidy up", waiting());
    }
    thread.shutdown();
    try {
      thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private FaultException refused(String what, RejectedExecutionException cause) {
    return thread.isShutdown()
        ? new FaultException(Fault.UNAVAILABLE, what + ": the network is shutting down", cause)
        : new FaultException(
            Fault.RESOURCE_EXHAUSTED,
            what + ": " + MOST_WAITING + " network operations are waiting already",
            cause);
  }

  private static RuntimeException unwrapped(ExecutionException e) {
    if (e.getCause() instanceof Error error) {
      throw error;
    }
    // All that a Supplier throws otherwise. Its stack is that of the network thread.
    return (RuntimeException) e.getCause();
  }
}
