package dev.molo.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class UndoStackTest {
  private final List<String> undone = new ArrayList<>();

  @Test
  void undoesLastInFirstOut() {
    try (UndoStack undo = new UndoStack()) {
      undo.push("a", () -> undone.add("a"));
      undo.push("b", () -> undone.add("b"));
    }
    assertThat(undone).containsExactly("b", "a");
  }

  @Test
  void committedStaysDone() {
    try (UndoStack undo = new UndoStack()) {
      undo.push("a", () -> undone.add("a"));
      undo.commit();
    }
    assertThat(undone).isEmpty();
  }

  @Test
  void failingUndoDoesNotStopTheRestAndIsAddedToTheFailure() {
    assertThatThrownBy(
            () -> {
              try (UndoStack undo = new UndoStack()) {
                undo.push("a", () -> undone.add("a"));
                undo.push(
                    "break",
                    () -> {
                      throw new IllegalStateException("stuck");
                    });
                undo.push("c", () -> undone.add("c"));
                throw new IllegalArgumentException("the step failed");
              }
            })
        .isInstanceOf(IllegalArgumentException.class)
        .satisfies(e ->
            assertThat(e.getSuppressed())
                .singleElement()
                .isInstanceOf(UndoStack.UndoFailedException.class)
                .hasToString("dev.molo.pod.UndoStack$UndoFailedException: undo break: stuck"));
    assertThat(undone).containsExactly("c", "a");
  }
}
