package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.layer.Waiting;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;

/**
 * One pull, shared by the callers who asked for the same thing with the same credentials. It runs
 * on a virtual thread of its own and ends early when its last caller leaves. Thread-safe.
 */
final class PullFlight {
  /** What makes two pulls the same. */
  record Key(Reference reference, RegistryAuth auth) {}

  private final PullBoard board;
  private final Cancellation cancellation = Cancellation.create();
  private final CompletableFuture<Image> result = new CompletableFuture<>();
  private int callers;

  PullFlight(PullBoard board) {
    this.board = board;
  }

  PullBoard board() {
    return board;
  }

  /**
   * Takes part; false when this pull is already being given up. {@link #await} follows.
   *
   * @param listener hears what comes from now on: all of it, when the pull has not begun
   */
  synchronized boolean join(PullListener listener) {
    if (cancellation.reason().isPresent()) {
      return false;
    }
    callers++;
    board.listen(listener);
    return true;
  }

  /**
   * Begins.
   *
   * @param atEnd runs before the callers have their answer, whatever it is
   * @param afterwards runs when they have it
   */
  void start(
      String name,
      BiFunction<PullBoard, Cancellation, Image> pull,
      Runnable atEnd,
      Runnable afterwards) {
    Thread.ofVirtual()
        .name("pull " + name)
        .start(() -> {
          run(pull, atEnd);
          afterwards.run();
        });
  }

  private void run(BiFunction<PullBoard, Cancellation, Image> pull, Runnable atEnd) {
    try {
      Image image = pull.apply(board, cancellation);
      atEnd.run();
      result.complete(image);
    } catch (RuntimeException | Error e) {
      atEnd.run();
      result.completeExceptionally(e);
    }
  }

  Image await(Cancellation own, PullListener listener) {
    try {
      return Waiting.on(result, own);
    } finally {
      board.stopListening(listener);
      leave();
    }
  }

  /**
   * The last one to leave ends the pull; nobody waits for its clean-up, because the caller's own
   * time may be over.
   */
  private synchronized void leave() {
    if (--callers == 0 && !result.isDone()) {
      cancellation.cancel(
          new FaultException(
              Fault.CANCELLED,
              board.snapshot().reference() + ": nobody waits for this pull any more"));
    }
  }
}
