package dev.molo.cri;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import io.grpc.Context;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Bounds what large requests take of the heap together: each waits for its share before it is
 * parsed and gives it back when its call is over. Small ones pass. Thread-safe; waiting parks a
 * virtual thread.
 */
final class LargeRequests {
  /** Bytes from which on a request counts. */
  static final int LARGE = 256 << 10;

  /** Bytes of all of them together; one that is larger goes alone. */
  static final int BUDGET = 8 << 20;

  private final Semaphore budget = new Semaphore(BUDGET, true);
  private final Duration patience;

  /**
   * A budget of its own.
   *
   * @param patience how long a request waits for its share
   */
  LargeRequests(Duration patience) {
    this.patience = patience;
  }

  /**
   * Waits until a request may be parsed.
   *
   * @param bytes its size
   * @param call the context of its call, whose end gives the share back
   * @throws FaultException RESOURCE_EXHAUSTED when too many are under way for too long
   */
  void admit(int bytes, Context call) {
    if (bytes < LARGE) {
      return;
    }
    int share = Math.min(bytes, BUDGET);
    if (!acquired(share)) {
      throw new FaultException(
          Fault.RESOURCE_EXHAUSTED,
          "a request of %d bytes found others of %d bytes under way for %d s"
              .formatted(bytes, held(), patience.toSeconds()));
    }
    AtomicBoolean once = new AtomicBoolean();
    call.addListener(
        ignored -> {
          if (once.compareAndSet(false, true)) {
            budget.release(share);
          }
        },
        Runnable::run);
  }

  private boolean acquired(int share) {
    try {
      return budget.tryAcquire(share, patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Bytes that large requests hold now. */
  int held() {
    return BUDGET - budget.availablePermits();
  }
}
