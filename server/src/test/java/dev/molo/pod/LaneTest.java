package dev.molo.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LaneTest {
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Lane lane = new Lane("test", threads);

  @AfterEach
  void endThreads() {
    threads.close();
  }

  @Test
  void workRunsInOrderAndOneAtATime() {
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    AtomicInteger inside = new AtomicInteger();
    List<CompletableFuture<Integer>> results = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      int number = i;
      results.add(
          lane.submit(() -> {
            assertThat(inside.incrementAndGet()).isEqualTo(1);
            order.add(number);
            inside.decrementAndGet();
            return number;
          }));
    }
    results.forEach(CompletableFuture::join);
    assertThat(order).hasSize(200).isSorted();
  }

  @Test
  void idleLaneWorksOnItsCallersThreadAndAnotherServesWhatCameMeanwhile() {
    Thread caller = Thread.currentThread();
    List<CompletableFuture<Thread>> later = new ArrayList<>();
    Thread worked =
        lane.call(() -> {
          later.add(lane.submit(Thread::currentThread));
          assertThat(later.getFirst()).isNotDone();
          return Thread.currentThread();
        });
    assertThat(worked).isSameAs(caller);
    assertThat(later.getFirst().join()).isNotSameAs(caller);
    assertThat(lane.<Thread>call(Thread::currentThread)).isNotNull();
  }

  @Test
  void failureReachesTheCallerAsItIsAndTheLaneGoesOn() {
    assertThatThrownBy(() ->
            lane.run(() -> {
              throw FaultException.notFound("nothing here");
            }))
        .isInstanceOf(FaultException.class)
        .hasMessage("nothing here");
    assertThat(lane.<Integer>call(() -> 7)).isEqualTo(7);
  }

  @Test
  void waitingForItselfIsRefusedInsteadOfHanging() {
    assertThatThrownBy(() -> lane.run(() -> lane.run(() -> {})))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("itself");
  }

  @Test
  void interruptedCallerStillGetsTheResultAndStaysInterrupted() {
    Thread.currentThread().interrupt();
    int result = lane.call(() -> 3);
    assertThat(result).isEqualTo(3);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void fullQueueIsRefusedWithItsName() throws InterruptedException {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch running = new CountDownLatch(1);
    CompletableFuture<Object> first =
        lane.submit(() -> {
          running.countDown();
          release.await();
          return null;
        });
    running.await();
    List<CompletableFuture<Object>> queued = new ArrayList<>();
    for (int i = 0; i < Lane.MAX_QUEUED; i++) {
      queued.add(lane.submit(() -> null));
    }
    assertThatThrownBy(() -> lane.submit(() -> null))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("test");
    release.countDown();
    first.join();
    queued.forEach(CompletableFuture::join);
  }
}
