package dev.molo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class StandstillTest {
  @Test
  void virtualThreadThatWaitsIsShown() throws IOException {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Thread waits =
        Thread.ofVirtual()
            .name("waits for ever")
            .start(() -> {
              begun.countDown();
              waitFor(end);
            });
    Patience.await("the thread begins", begun);
    try {
      assertThat(Standstill.threads())
          .contains(
              "waits for ever",
              "StandstillTest.waitFor",
              "StandstillTest.virtualThreadThatWaitsIsShown");
    } finally {
      end.countDown();
      Patience.end("the thread ends", waits);
    }
  }

  private static void waitFor(CountDownLatch end) {
    Patience.await("the test has looked", end);
  }
}
