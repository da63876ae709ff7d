package dev.molo.image.registry;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/**
 * The pauses between the attempts at a request: longer each time, and by chance up to half as long
 * again, so that the nodes that a registry has turned away do not come back all at once.
 */
final class Backoff {
  static final Duration FIRST = Duration.ofMillis(200);
  static final Duration LONGEST = Duration.ofSeconds(30);

  private Backoff() {}

  /**
   * How long to wait.
   *
   * @param attempt how many have failed, one at least
   * @param wanted what the registry asks for (Retry-After); taken up to {@link #LONGEST}
   * @param chance what is added, up to half of what the number of attempts alone makes
   */
  static Duration length(int attempt, Optional<Duration> wanted, RandomGenerator chance) {
    Duration own = shorter(FIRST.multipliedBy(1L << Math.min(attempt - 1, 8)), LONGEST);
    Duration asked = shorter(wanted.orElse(Duration.ZERO), LONGEST);
    return (asked.compareTo(own) > 0 ? asked : own)
        .plusMillis(chance.nextLong(own.toMillis() / 2 + 1));
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  /**
   * Waits {@link #length}.
   *
   * @throws FaultException as soon as the work is cancelled, or the thread interrupted
   */
  static void pause(int attempt, Optional<Duration> wanted, Cancellation cancellation) {
    Duration length = length(attempt, wanted, ThreadLocalRandom.current());
    CountDownLatch ended = new CountDownLatch(1);
    try (Cancellation.Registration _ = cancellation.onCancel(ended::countDown)) {
      if (ended.await(length.toMillis(), TimeUnit.MILLISECONDS)) {
        cancellation.check();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FaultException(Fault.CANCELLED, "interrupted between two attempts", e);
    }
  }
}
