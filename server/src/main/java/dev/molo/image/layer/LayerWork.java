package dev.molo.image.layer;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongConsumer;

/**
 * A layer in flight, shared by the pulls that want it. It ends early when the last of them leaves.
 * Thread-safe.
 */
final class LayerWork {
  private final String what;
  private final CompletableFuture<StoredLayer> result = new CompletableFuture<>();
  private final Cancellation cancellation = Cancellation.create();
  private final List<LongConsumer> listeners = new CopyOnWriteArrayList<>();
  private int participants;

  LayerWork(String what) {
    this.what = what;
  }

  Cancellation cancellation() {
    return cancellation;
  }

  /** Takes part; false when this work is already being given up. */
  synchronized boolean join(LongConsumer progress) {
    if (cancellation.reason().isPresent()) {
      return false;
    }
    participants++;
    listeners.add(progress);
    return true;
  }

  private void leave(LongConsumer progress) {
    boolean last;
    synchronized (this) {
      listeners.remove(progress);
      last = --participants == 0;
    }
    if (last && !result.isDone()) {
      cancellation.cancel(
          new FaultException(Fault.CANCELLED, what + ": nobody waits for it any more"));
    }
  }

  /** Whatever is still read for it ends; whoever wants the layer begins anew. */
  void abandon() {
    cancellation.cancel(new FaultException(Fault.CANCELLED, what + ": it has failed already"));
  }

  void progress(long bytes) {
    for (LongConsumer listener : listeners) {
      listener.accept(bytes);
    }
  }

  void succeed(StoredLayer layer) {
    result.complete(layer);
  }

  void fail(RuntimeException failure) {
    result.completeExceptionally(failure);
  }

  /** Waits for the end without taking part. */
  void awaitEnd(Cancellation own) {
    Waiting.on(result, own);
  }

  /** Waits for the end, or for the caller's own. */
  StoredLayer await(LongConsumer progress, Cancellation own) {
    try {
      return Waiting.on(result, own);
    } finally {
      leave(progress);
    }
  }
}
