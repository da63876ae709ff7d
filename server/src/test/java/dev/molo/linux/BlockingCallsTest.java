package dev.molo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class BlockingCallsTest {

  @Test
  void platformThreadCallsDirectly() {
    try (BlockingCalls calls = new BlockingCalls(1, 1)) {
      assertThat(calls.<Thread>run("here", Thread::currentThread)).isSameAs(Thread.currentThread());
    }
  }

  @Test
  void virtualThreadIsHandedToTheNamedPool() throws Exception {
    try (BlockingCalls calls = new BlockingCalls(1, 1)) {
      AtomicReference<Thread> ran = new AtomicReference<>();
      Thread.ofVirtual().start(() -> ran.set(calls.run("there", Thread::currentThread))).join();
      assertThat(ran.get().getName()).startsWith("molo-blocking-");
      assertThat(ran.get().isVirtual()).isFalse();
    }
  }

  @Test
  void refusalPassesThroughAsItIs() throws Exception {
    try (BlockingCalls calls = new BlockingCalls(1, 1)) {
      LinuxException refusal = new LinuxException("fsync", Errno.EIO, "x");
      AtomicReference<Throwable> seen = new AtomicReference<>();
      Runnable body =
          () -> {
            try {
              calls.run(
                  "fsync",
                  () -> {
                    throw refusal;
                  });
            } catch (LinuxException e) {
              seen.set(e);
            }
          };
      Thread.ofVirtual().start(body).join();
      assertThat(seen.get()).isSameAs(refusal);
    }
  }

  @Test
  void fullPoolAnswersEagain() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch started = new CountDownLatch(1);
    try (BlockingCalls calls = new BlockingCalls(1, 1)) {
      Thread first =
          Thread.ofVirtual().start(() -> calls.run("hung", () -> hang(started, release)));
      started.await();
      Thread second = Thread.ofVirtual().start(() -> calls.run("waiting", () -> 1));
      while (calls.queued() == 0) {
        Thread.onSpinWait();
      }
      assertThatThrownBy(() -> calls.runWithin(Duration.ofSeconds(1), "too many", () -> 1, x -> {}))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EAGAIN))
          .hasMessageContaining("too many");
      release.countDown();
      first.join();
      second.join();
    }
  }

  @Test
  void lateResultIsGivenToWhoCleansUp() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch started = new CountDownLatch(1);
    CompletableFuture<Integer> abandoned = new CompletableFuture<>();
    try (BlockingCalls calls = new BlockingCalls(1, 1)) {
      assertThatThrownBy(() ->
              calls.runWithin(
                  Duration.ofMillis(20),
                  "stat /dead",
                  () -> hang(started, release),
                  abandoned::complete))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ETIMEDOUT))
          .hasMessageContaining("stat /dead");
      release.countDown();
      assertThat(abandoned.get(60, TimeUnit.SECONDS)).isEqualTo(42);
    }
  }

  private static int hang(CountDownLatch started, CountDownLatch release) {
    started.countDown();
    try {
      release.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return 42;
  }
}
