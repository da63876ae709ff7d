package dev.molo.pod;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What a verb must take back when a later step fails. Register the undo right after the step;
 * without {@link #commit} all of them run at {@link #close}, last in, first out. One that fails
 * does not stop the rest: the failures come out of {@code close} together.
 *
 * <p>Belongs to one thread.
 */
final class UndoStack implements AutoCloseable {
  private record Undo(String what, Runnable action) {}

  private final Deque<Undo> undos = new ArrayDeque<>();

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
   * @throws UndoFailedException when an undo failed; the others have run all the same
   */
  @Override
  public void close() {
    UndoFailedException failed = null;
    while (!undos.isEmpty()) {
      Undo undo = undos.pop();
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
