package dev.molo;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What tests wait for: with a limit that only a machine out of order reaches, and a sentence that
 * says what has not come. A test that is interrupted fails with that sentence too.
 */
public final class Patience {
  private static final Duration LIMIT = Duration.ofMinutes(3);

  private Patience() {}

  /** Asks again and again until it holds. */
  public static void until(String what, Callable<Boolean> holds) throws Exception {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!holds.call()) {
      if (System.nanoTime() - deadline > 0) {
        throw late(what);
      }
      sleep(what);
    }
  }

  private static void sleep(String what) {
    try {
      Thread.sleep(2);
    } catch (InterruptedException e) {
      throw interrupted(what, e);
    }
  }

  /** Waits until it is open. */
  public static void await(String what, CountDownLatch latch) {
    try {
      if (!latch.await(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        throw late(what);
      }
    } catch (InterruptedException e) {
      throw interrupted(what, e);
    }
  }

  /** Waits for a thread's end. */
  public static void end(String what, Thread thread) {
    try {
      if (!thread.join(LIMIT)) {
        throw late(what, thread);
      }
    } catch (InterruptedException e) {
      throw interrupted(what, e);
    }
  }

  /**
   * Waits until a thread waits, in this way.
   *
   * @param how WAITING or TIMED_WAITING
   */
  public static void waits(String what, Thread thread, Thread.State how) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (thread.isAlive() && thread.getState() != how) {
      if (System.nanoTime() - deadline > 0) {
        throw late(what, thread);
      }
      sleep(what);
    }
  }

  /** Waits for a result, or for its failure. */
  public static <T> T result(String what, Future<T> future) throws ExecutionException {
    try {
      return future.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw late(what);
    } catch (InterruptedException e) {
      throw interrupted(what, e);
    }
  }

  /** Waits for a program's end; its exit status. One that does not end is killed. */
  public static int exit(String what, Process process) {
    try {
      if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        throw late(what);
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      throw interrupted(what, e);
    } finally {
      if (process.isAlive()) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    }
  }

  private static AssertionError late(String what) {
    return new AssertionError("not within %d s: %s".formatted(LIMIT.toSeconds(), what));
  }

  /** What it does instead is what one has to know. */
  private static AssertionError late(String what, Thread thread) {
    AssertionError late = late(what + "; it is " + thread.getState());
    AssertionError where = new AssertionError("where it is");
    where.setStackTrace(thread.getStackTrace());
    late.addSuppressed(where);
    return late;
  }

  private static AssertionError interrupted(String what, InterruptedException e) {
    Thread.currentThread().interrupt();
    return new AssertionError("interrupted while it is waited for: " + what, e);
  }
}
