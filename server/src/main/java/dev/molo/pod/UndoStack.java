package dev.molo.pod;

import dev.molo.linux.Deadlines;
import java.time.Duration;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;

/**
 * What a verb must take back when a later step fails. Register the undo right after the step;
 * without {@link #commit} all of them run at {@link #close}, last in, first out. One that fails
 * does not stop the rest: the failures come out of {@code close} together.
 *
 * <p>The undos run on a thread of their own and have a deadline of their own ({@code
 * timeouts.undo}), whatever was left of their verb's: past it {@code close} says which of them
 * hangs and returns, and they go on behind its back. Belongs to one thread.
 */
final class UndoStack implements AutoCloseable {
  private record Undo(String what, Runnable action) {}

  private final Executor threads;
  private final Duration limit;
  private final Deque<Undo> undos = new ConcurrentLinkedDeque<>();
  private volatile String underWay = "";

  /**
   * @param threads starts a thread for the undos
   * @param limit what all of them together may take
   */
  UndoStack(Executor threads, Duration limit) {
    this.threads = threads;
    this.limit = limit;
  }

  /**
   * @param what a step in words, for the message of a failed undo
   */
  void push(String what, Runnable undo) {
    undos.push(new Undo(what, undo));
  }

  /** Everything worked: nothing is taken back. */
  void commit() {
    undos.clear();
  }

  /**
   * @throws UndoFailedException when an undo failed, though the others have run all the same, or
   *     when they have not come to their end in time
   */
  @Override
  public void close() {
    if (undos.isEmpty()) {
      return;
    }
    boolean interrupted = false;
    try {
      CompletableFuture<Void> done = CompletableFuture.runAsync(this::undoAll, threads);
      long deadline = System.nanoTime() + limit.toNanos();
      while (true) {
        try {
          Deadlines.get(done, Duration.ofNanos(deadline - System.nanoTime()));
          return;
        } catch (InterruptedException e) {
          // a caller who has gone is no reason to leave things half-made
          interrupted = true;
        }
      }
    } catch (TimeoutException e) {
      throw new UndoFailedException(
          "undo %s: not done within %d s".formatted(underWay, limit.toSeconds()), e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof UndoFailedException failed
          ? failed
          : new IllegalStateException(e.getCause());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void undoAll() {
    UndoFailedException failed = null;
    while (!undos.isEmpty()) {
      Undo undo = undos.pop();
      underWay = undo.what();
      try {
        undo.action().run();
      } catch (RuntimeException e) {
        if (failed == null) {
          failed = new UndoFailedException("undo " + undo.what() + ": " + e.getMessage(), e);
        } else {
          failed.addSuppressed(e);
        }
      }
    }
    if (failed != null) {
      throw failed;
    }
  }

  /** Something half-made stayed; its record must be kept so that Stop and Remove can finish. */
  static final class UndoFailedException extends RuntimeException {
    UndoFailedException(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
