package dev.molo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class DeadlinesTest {
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  @AfterEach
  void close() {
    threads.close();
  }

  private <T> Future<T> virtually(Callable<T> work) {
    return threads.submit(work);
  }

  @Test
  void aResultInTimeIsReturned() throws Exception {
    CompletableFuture<String> future = new CompletableFuture<>();
    Future<String> waiting = virtually(() -> Deadlines.get(future, Duration.ofDays(1)));
    Future<String> forever =
        virtually(() -> Deadlines.get(future, Duration.ofSeconds(Long.MAX_VALUE)));
    future.complete("done");
    assertThat(waiting.get()).isEqualTo("done");
    assertThat(forever.get()).isEqualTo("done");
    assertThat(Deadlines.get(future, Duration.ZERO)).isEqualTo("done");
  }

  @Test
  void aFailureIsThrownAsItWas() {
    CompletableFuture<String> future = new CompletableFuture<>();
    Future<String> waiting = virtually(() -> Deadlines.get(future, Duration.ofDays(1)));
    TimeoutException itsOwn = new TimeoutException("its own");
    future.completeExceptionally(itsOwn);
    assertThatThrownBy(waiting::get)
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOf(ExecutionException.class)
        .hasCause(itsOwn);
  }

  @Test
  void manyLimitsAreKeptNoneTooEarly() throws Exception {
    List<Future<Long>> waits = new ArrayList<>();
    for (long i = 0; i < 200; i++) {
      Duration limit = Duration.ofMillis(i * 5);
      Callable<Long> wait = () -> early(limit);
      waits.add(virtually(wait));
    }
    for (Future<Long> wait : waits) {
      assertThat(wait.get()).isNotPositive();
    }
  }

  /** By how many nanoseconds the wait ended before its limit. */
  private static long early(Duration limit) throws Exception {
    CompletableFuture<Void> never = new CompletableFuture<>();
    long begin = System.nanoTime();
    assertThatThrownBy(() -> Deadlines.get(never, limit)).isInstanceOf(TimeoutException.class);
    assertThat(never.isDone()).isFalse();
    return limit.toNanos() - (System.nanoTime() - begin);
  }

  @Test
  void anInterruptEndsTheWait() throws Exception {
    CompletableFuture<Void> never = new CompletableFuture<>();
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    Thread waiting =
        Thread.ofVirtual()
            .start(() -> {
              try {
                Deadlines.get(never, Duration.ofDays(1));
              } catch (Exception e) {
                thrown.complete(e);
              }
            });
    waiting.interrupt();
    assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
  }

  /** The looking thread has gone to sleep meanwhile, and must be woken. */
  @Test
  void aLimitAfterALongQuietIsKept() throws Exception {
    Thread.sleep(6_000);
    assertThat(virtually(() -> early(Duration.ofMillis(300))).get()).isNotPositive();
  }
}
