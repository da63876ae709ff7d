package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.Patience;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waits for what has to come; without it, until the time-out. */
@Timeout(120)
final class PullFlightTest {
  private final PullFlight flight = new PullFlight(new PullBoard("app", Instant.EPOCH));
  private final CompletableFuture<Cancellation> begun = new CompletableFuture<>();
  private final CountDownLatch over = new CountDownLatch(1);

  @BeforeEach
  void begin() {
    assertThat(flight.join(PullListener.none())).isTrue();
    flight.start("app", (_, own) -> pull(own), () -> {}, () -> {});
  }

  /** Ends when it is told to, or when nobody wants it any more. */
  private Image pull(Cancellation own) {
    begun.complete(own);
    try (Cancellation.Registration _ = own.onCancel(over::countDown)) {
      Patience.await("the pull is over", over);
    }
    own.check();
    throw new FaultException(Fault.NOT_FOUND, "its end");
  }

  private CompletableFuture<Image> caller(Cancellation cancellation) {
    return CompletableFuture.supplyAsync(
        () -> flight.await(cancellation, PullListener.none()),
        task -> Thread.ofVirtual().start(task));
  }

  private static void hasLeft(CompletableFuture<Image> caller) {
    assertThatThrownBy(() -> Patience.result("the caller leaves", caller))
        .hasMessageContaining("cancelled by the caller");
  }

  @Test
  void goesOnForTheCallerWhoStays() throws Exception {
    assertThat(flight.join(PullListener.none())).isTrue();
    Cancellation impatient = Cancellation.create();
    CompletableFuture<Image> leaves = caller(impatient);
    CompletableFuture<Image> stays = caller(Cancellation.create());
    impatient.cancel("pull");
    hasLeft(leaves);
    assertThat(Patience.result("the pull begins", begun).reason()).isEmpty();
    over.countDown();
    assertThatThrownBy(() -> Patience.result("the pull ends", stays))
        .hasMessageContaining("its end");
  }

  @Test
  void endsWithItsLastCallerAndTakesNoOther() throws Exception {
    assertThat(flight.join(PullListener.none())).isTrue();
    for (int i = 0; i < 2; i++) {
      Cancellation impatient = Cancellation.create();
      CompletableFuture<Image> caller = caller(impatient);
      impatient.cancel("pull");
      hasLeft(caller);
    }
    Patience.await("the pull that nobody wants is over", over);
    assertThat(Patience.result("the pull begins", begun).reason().orElseThrow())
        .hasMessageContaining("nobody waits");
    assertThat(flight.join(PullListener.none())).isFalse();
  }
}
