package dev.molo.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class UndoStackTest {
  private final List<String> undone = new CopyOnWriteArrayList<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  @AfterEach
  void endThreads() {
    threads.close();
  }

  @Test
  void undoesLastInFirstOut() {
    try (UndoStack undo = new UndoStack(threads, Duration.ofSeconds(30))) {
      undo.push("a", () -> undone.add("a"));
      undo.push("b", () -> undone.add("b"));
    }
    assertThat(undone).containsExactly("b", "a");
  }

  @Test
  void committedStaysDone() {
    try (UndoStack undo = new UndoStack(threads, Duration.ofSeconds(30))) {
      undo.push("a", () -> undone.add("a"));
      undo.commit();
    }
    assertThat(undone).isEmpty();
  }

  @Test
  void failingUndoDoesNotStopTheRestAndIsAddedToTheFailure() {
    assertThatThrownBy(
            () -> {
              try (UndoStack undo = new UndoStack(threads, Duration.ofSeconds(30))) {
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

  @Test
  void undoThatHangsIsNamedAndTheRestGoesOnWhenItEnds() throws InterruptedException {
    CountDownLatch hangs = new CountDownLatch(1);
    CountDownLatch rest = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    // the limit counts from when the undo is under way
    Executor begins =
        task -> {
          threads.execute(task);
          await(begun);
        };
    UndoStack undo = new UndoStack(begins, Duration.ofMillis(20));
    undo.push("rest", rest::countDown);
    undo.push(
        "hang",
        () -> {
          begun.countDown();
          await(hangs);
        });

    assertThatThrownBy(undo::close)
        .isInstanceOf(UndoStack.UndoFailedException.class)
        .hasMessageStartingWith("undo hang: not done within");
    hangs.countDown();
    assertThat(rest.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void undoesForACallerWhoIsInterrupted() {
    Thread.currentThread().interrupt();
    try (UndoStack undo = new UndoStack(threads, Duration.ofSeconds(30))) {
      undo.push("a", () -> undone.add("a"));
    }
    assertThat(undone).containsExactly("a");
    assertThat(Thread.interrupted()).isTrue();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
