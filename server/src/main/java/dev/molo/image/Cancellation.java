package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * One caller's wish to go on: ended by a deadline, by the caller hanging up, or by the daemon
 * stopping. Work registers what ends it at once (a connection to reset, a wait to wake) and asks
 * {@link #check()} between steps.
 *
 * <p>Thread-safe. Actions run on the thread that cancels, once, in the order of registration; one
 * that fails does not keep the others.
 */
public final class Cancellation implements AutoCloseable {

  /** Takes an action off the list again; closing twice is harmless. */
  public interface Registration extends AutoCloseable {
    @Override
    void close();
  }

  private final List<Runnable> actions = new ArrayList<>();
  private FaultException reason;
  private ScheduledFuture<?> timer;

  /** A cancellation that ends only when somebody calls {@link #cancel}. */
  public static Cancellation create() {
    return new Cancellation();
  }

  /**
   * A cancellation that ends by itself with DEADLINE_EXCEEDED. Close it when the work is done,
   * which frees the timer.
   *
   * @param what for the message: "pull of nginx"
   */
  public static Cancellation after(Duration limit, String what, ScheduledExecutorService timers) {
    Cancellation cancellation = new Cancellation();
    FaultException expired =
        new FaultException(
            Fault.DEADLINE_EXCEEDED,
            what + ": the caller's deadline of " + limit.toMillis() + " ms has passed");
    if (limit.isNegative() || limit.isZero()) {
      cancellation.cancel(expired);
      return cancellation;
    }
    synchronized (cancellation.actions) {
      cancellation.timer =
          timers.schedule(
              () -> cancellation.cancel(expired), limit.toNanos(), TimeUnit.NANOSECONDS);
    }
    return cancellation;
  }

  /** Ends the work; what it answers is {@code why}. Later calls change nothing. */
  public void cancel(FaultException why) {
    List<Runnable> due;
    synchronized (actions) {
      if (reason != null) {
        return;
      }
      reason = why;
      due = List.copyOf(actions);
      actions.clear();
    }
    RuntimeException failure = null;
    for (Runnable action : due) {
      try {
        action.run();
      } catch (RuntimeException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** The caller has hung up: ends the work with CANCELLED. */
  public void cancel(String what) {
    cancel(new FaultException(Fault.CANCELLED, what + ": cancelled by the caller"));
  }

  /** Why the work has to end, when it has to. */
  public Optional<FaultException> reason() {
    synchronized (actions) {
      return Optional.ofNullable(reason);
    }
  }

  /** Throws the reason when the work has to end. */
  public void check() {
    Optional<FaultException> why = reason();
    if (why.isPresent()) {
      throw why.get();
    }
  }

  /** Registers what ends the work at once; runs it now when that is already due. */
  public Registration onCancel(Runnable action) {
    synchronized (actions) {
      if (reason == null) {
        actions.add(action);
        return () -> forget(action);
      }
    }
    action.run();
    return () -> {};
  }

  private void forget(Runnable action) {
    synchronized (actions) {
      actions.remove(action);
    }
  }

  /** Frees the timer. The work is done; nothing is cancelled. */
  @Override
  public void close() {
    synchronized (actions) {
      if (timer != null) {
        timer.cancel(false);
      }
    }
  }
}
