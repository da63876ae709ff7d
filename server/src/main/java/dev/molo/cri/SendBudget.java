package dev.molo.cri;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Bounds the bytes of large answers that the transport holds at one time: grpc copies an answer
 * into buffers of its own before the client has read a byte of it. An answer waits for its share,
 * and gives it back once it has left. Thread-safe; waiting parks a virtual thread.
 */
final class SendBudget {
  /** Bytes from which on an answer counts. */
  static final int LARGE = 256 << 10;

  private static final long LOOK_AGAIN_MILLIS = 200;

  private final int bytes;
  private final Duration patience;
  private final Semaphore free;

  /**
   * A budget.
   *
   * @param bytes at least the largest answer
   * @param patience how long an answer waits for slower clients to read theirs
   */
  SendBudget(int bytes, Duration patience) {
    this.bytes = bytes;
    this.patience = patience;
    this.free = new Semaphore(bytes, true);
  }

  /**
   * Waits for a share, which goes back by itself when the call is over.
   *
   * @throws FaultException RESOURCE_EXHAUSTED when the others take too long, CANCELLED when the
   *     client has gone meanwhile
   */
  void reserve(int size, Caller caller) {
    if (size < LARGE) {
      return;
    }
    int share = Math.min(size, bytes);
    long deadline = System.nanoTime() + patience.toNanos();
    while (!acquired(share)) {
      if (caller.isGone()) {
        throw new FaultException(
            Fault.CANCELLED, "the client hung up before it was sent %d bytes".formatted(size));
      }
      if (System.nanoTime() - deadline > 0) {
        throw new FaultException(
            Fault.RESOURCE_EXHAUSTED,
            "an answer of %d bytes waited %d s for other clients to read theirs"
                .formatted(size, patience.toSeconds()));
      }
    }
    caller.whenServed(() -> free.release(share));
  }

  private boolean acquired(int share) {
    try {
      return free.tryAcquire(share, LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FaultException(Fault.CANCELLED, "interrupted while waiting to send an answer", e);
    }
  }

  /** Bytes not in use. */
  int available() {
    return free.availablePermits();
  }
}
