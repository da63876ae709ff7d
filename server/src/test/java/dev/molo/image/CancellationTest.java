package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class CancellationTest {
  @Test
  void actionsRunOnceInOrderAndLateOnesAtOnce() {
    List<String> ran = new ArrayList<>();
    Cancellation cancellation = Cancellation.create();
    cancellation.onCancel(() -> ran.add("first"));
    cancellation.onCancel(() -> ran.add("forgotten")).close();
    cancellation.onCancel(() -> ran.add("second"));
    cancellation.check();
    cancellation.cancel("pull");
    cancellation.cancel(new FaultException(Fault.INTERNAL, "too late"));
    cancellation.onCancel(() -> ran.add("late"));
    assertThat(ran).containsExactly("first", "second", "late");
    assertThatThrownBy(cancellation::check)
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.CANCELLED));
  }

  /** Each ends another wait. */
  @Test
  void actionThatFailsDoesNotKeepTheOthers() {
    List<String> ran = new ArrayList<>();
    Cancellation cancellation = Cancellation.create();
    cancellation.onCancel(() -> {
      throw new IllegalStateException("first");
    });
    cancellation.onCancel(() -> ran.add("second"));
    cancellation.onCancel(() -> {
      throw new IllegalStateException("third");
    });
    cancellation.onCancel(() -> ran.add("fourth"));
    assertThatThrownBy(() -> cancellation.cancel("pull"))
        .hasMessage("first")
        .satisfies(e -> assertThat(e.getSuppressed()).singleElement().asString().contains("third"));
    assertThat(ran).containsExactly("second", "fourth");
    assertThat(cancellation.reason()).isPresent();
  }

  @Test
  void deadlineEndsTheWork() throws InterruptedException {
    try (var timers = Executors.newScheduledThreadPool(1);
        Cancellation soon = Cancellation.after(Duration.ofMillis(5), "pull", timers);
        Cancellation never = Cancellation.after(Duration.ofHours(1), "pull", timers);
        Cancellation past = Cancellation.after(Duration.ofMillis(-1), "pull", timers)) {
      CountDownLatch ended = new CountDownLatch(1);
      soon.onCancel(ended::countDown);
      assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(soon.reason().orElseThrow().kind()).isEqualTo(Fault.DEADLINE_EXCEEDED);
      assertThat(past.reason().orElseThrow().kind()).isEqualTo(Fault.DEADLINE_EXCEEDED);
      assertThat(never.reason()).isEmpty();
    }
  }
}
