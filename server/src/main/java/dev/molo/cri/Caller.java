package dev.molo.cri;

import dev.molo.pod.CallerPresence;
import io.grpc.Context;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The client behind one call: whether it is still there, and when it has got its answer.
 * Thread-safe.
 */
final class Caller implements CallerPresence {
  private final Context context;
  private final List<Runnable> onceServed = new ArrayList<>();
  private boolean served;

  Caller(Context context) {
    this.context = context;
  }

  /** Whether the client hung up or its deadline passed. */
  boolean isGone() {
    return context.isCancelled();
  }

  @Override
  public Registration onGone(Runnable whenGone) {
    AtomicBoolean once = new AtomicBoolean();
    Context.CancellationListener listener =
        ignored -> {
          if (once.compareAndSet(false, true)) {
            whenGone.run();
          }
        };
    // a virtual thread: grpc tells from a thread of its own that must not be held up
    context.addListener(listener, task -> Thread.ofVirtual().name("caller-gone").start(task));
    return () -> context.removeListener(listener);
  }

  /**
   * Runs an action once the answer has left for the client, or nobody waits for it any more: what
   * the answer's bytes live in can go. Runs at once if that has happened.
   */
  void whenServed(Runnable action) {
    synchronized (onceServed) {
      if (!served) {
        onceServed.add(action);
        return;
      }
    }
    action.run();
  }

  /** The call is over, one way or the other. */
  void served() {
    List<Runnable> due;
    synchronized (onceServed) {
      if (served) {
        return;
      }
      served = true;
      due = List.copyOf(onceServed);
    }
    due.forEach(Runnable::run);
  }
}
