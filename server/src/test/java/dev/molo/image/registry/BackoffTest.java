package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private static final Optional<Duration> NOTHING_WANTED = Optional.empty();

  private static List<Duration> draws(int attempt, Optional<Duration> wanted) {
    Random chance = new Random(11);
    return Stream.generate(() -> Backoff.length(attempt, wanted, chance)).limit(1000).toList();
  }

  @Test
  void pausesDoubleUpToTheLongest() {
    for (int attempt = 1; attempt <= 12; attempt++) {
      long least = Math.min(200L << (attempt - 1), 30_000);
      assertThat(draws(attempt, NOTHING_WANTED))
          .as("attempt %d", attempt)
          .allSatisfy(pause ->
              assertThat(pause)
                  .isBetween(Duration.ofMillis(least), Duration.ofMillis(least + least / 2)));
    }
    assertThat(draws(Integer.MAX_VALUE, NOTHING_WANTED)).doesNotContain(Duration.ZERO);
  }

  /** A thousand nodes that are turned away at the same moment. */
  @Test
  void nodesComeBackOneAfterTheOther() {
    for (Optional<Duration> wanted : List.of(NOTHING_WANTED, Optional.of(Duration.ofSeconds(20)))) {
      List<Duration> pauses = draws(3, wanted);
      long earliest = pauses.stream().mapToLong(Duration::toMillis).min().orElseThrow();
      // within 400 ms, tenth by tenth
      for (int tenth = 0; tenth < 10; tenth++) {
        long from = earliest + 40L * tenth;
        assertThat(pauses)
            .filteredOn(pause -> pause.toMillis() >= from && pause.toMillis() < from + 40)
            .as("wanted %s, from %d ms", wanted, from)
            .hasSizeBetween(50, 150);
      }
    }
  }

  @Test
  void whatTheRegistryAsksForIsTheLeast() {
    assertThat(draws(1, Optional.of(Duration.ofSeconds(7))))
        .allSatisfy(
            pause -> assertThat(pause).isBetween(Duration.ofSeconds(7), Duration.ofMillis(7100)));
    assertThat(draws(4, Optional.of(Duration.ofSeconds(1))))
        .as("its own is longer")
        .allSatisfy(
            pause -> assertThat(pause).isBetween(Duration.ofMillis(1600), Duration.ofMillis(2400)));
    assertThat(draws(1, Optional.of(Duration.ofDays(1))))
        .allSatisfy(pause ->
            assertThat(pause).isBetween(Duration.ofSeconds(30), Duration.ofMillis(30_100)));
  }
}
