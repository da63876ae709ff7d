package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class QuietHeapTest {
  private static final long MIB = 1 << 20;

  private final QuietHeap heap = new QuietHeap();
  private long now = Long.MAX_VALUE - 5;

  private boolean aSecondLater(long mib) {
    now += Duration.ofSeconds(1).toNanos();
    return heap.isQuiet(mib * MIB, now);
  }

  @Test
  void quietIsToldOnceAfterWork() {
    assertThat(aSecondLater(10)).isFalse();
    assertThat(aSecondLater(16)).as("at work").isFalse();
    assertThat(aSecondLater(16)).as("for a moment").isFalse();
    assertThat(aSecondLater(16)).isTrue();
    assertThat(aSecondLater(16)).as("told before").isFalse();
    assertThat(aSecondLater(16)).isFalse();
  }

  @Test
  void toldOnceAMinuteAtMost() {
    quiet(16);
    aSecondLater(30);
    for (int second = 0; second < 56; second++) {
      assertThat(aSecondLater(30)).as("second %s", second).isFalse();
    }
    assertThat(aSecondLater(30)).as("a minute after the first time").isFalse();
    assertThat(aSecondLater(30)).isFalse();
    assertThat(aSecondLater(30)).isTrue();
  }

  @Test
  void grownIsWhatIsAboveTheLastCollection() {
    assertThat(heap.hasGrown(60 * MIB)).as("nothing to compare with").isFalse();
    quiet(20);
    assertThat(heap.hasGrown(27 * MIB)).isFalse();
    assertThat(heap.hasGrown(28 * MIB)).isTrue();
    heap.collected(24 * MIB);
    assertThat(heap.hasGrown(31 * MIB)).isFalse();
    assertThat(heap.hasGrown(32 * MIB)).isTrue();
  }

  private void quiet(long mib) {
    aSecondLater(mib);
    aSecondLater(mib);
    assertThat(aSecondLater(mib)).isTrue();
  }
}
