package dev.molo.image;

import dev.molo.fault.FaultException;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What is under way in a store, so that nothing is closed under anybody. Thread-safe; each
 * operation runs on its caller's thread.
 */
final class OpenOperations {
  private final Cancellation closing = Cancellation.create();
  private int underWay;

  /**
   * Runs one that can be ended.
   *
   * @param operation its cancellation is the caller's, and the store's
   * @throws FaultException why the store is being closed, when it is
   */
  <T> T run(Cancellation caller, Function<Cancellation, T> operation) {
    begin();
    try (Cancellation own = Cancellation.create();
        Cancellation.Registration _ = endsWith(caller, own);
        Cancellation.Registration _ = endsWith(closing, own)) {
      return operation.apply(own);
    } finally {
      end();
    }
  }

  private static Cancellation.Registration endsWith(Cancellation other, Cancellation own) {
    return other.onCancel(() -> own.cancel(other.reason().orElseThrow()));
  }

  /** Runs a short one. */
  <T> T call(Supplier<T> operation) {
    begin();
    try {
      return operation.get();
    } finally {
      end();
    }
  }

  /** Runs a short one that gives nothing. */
  void run(Runnable operation) {
    begin();
    try {
      operation.run();
    } finally {
      end();
    }
  }

  private synchronized void begin() {
    closing.check();
    underWay++;
  }

  private synchronized void end() {
    underWay--;
    notifyAll();
  }

  /**
   * Refuses what comes from now on, cancels what is under way and waits for it.
   *
   * @return false when something did not end in time
   */
  boolean close(FaultException why, Duration patience) throws InterruptedException {
    closing.cancel(why);
    long deadline = System.nanoTime() + patience.toNanos();
    synchronized (this) {
      for (long left = patience.toMillis(); underWay > 0 && left > 0; ) {
        wait(left);
        left = Duration.ofNanos(deadline - System.nanoTime()).toMillis();
      }
      return underWay == 0;
    }
  }
}
