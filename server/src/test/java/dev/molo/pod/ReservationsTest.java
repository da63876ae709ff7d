package dev.molo.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import dev.molo.pod.Reservations.Claim;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ReservationsTest {
  private static final byte[] REQUEST = {1, 2, 3};
  private static final byte[] OTHER = {1, 2, 4};

  private final Reservations<String, Integer> names = new Reservations<>("pod sandbox");
  private final AtomicInteger ids = new AtomicInteger();

  private Claim<Integer> claim(byte[] request) {
    return names.claim("web", request, ids::incrementAndGet, (held, asked) -> "config.labels");
  }

  @Test
  void firstOwnsAndTheSameRequestJoinsIt() {
    assertThat(claim(REQUEST)).isEqualTo(new Claim.Owner<>(1));
    Claim<Integer> second = claim(REQUEST.clone());
    assertThat(second).isInstanceOf(Claim.Joiner.class);
    var joiner = (Claim.Joiner<Integer>) second;
    assertThat(joiner.outcome()).isNotDone();
    names.complete("web", 1);
    assertThat(joiner.outcome()).isCompletedWithValue(1);
    assertThat(((Claim.Joiner<Integer>) claim(REQUEST)).outcome()).isCompletedWithValue(1);
  }

  @Test
  void otherContentIsRefusedNamingTheField() {
    claim(REQUEST);
    assertThatThrownBy(() -> claim(OTHER))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("web")
        .hasMessageContaining("config.labels");
  }

  @Test
  void failureReachesJoinersAndFreesTheName() {
    claim(REQUEST);
    var joiner = (Claim.Joiner<Integer>) claim(REQUEST);
    names.fail("web", 1, new IllegalStateException("no space"), false);
    assertThat(joiner.outcome()).isCompletedExceptionally();
    assertThat(claim(OTHER)).isEqualTo(new Claim.Owner<>(2));
  }

  @Test
  void failureThatLeftSomethingKeepsTheName() {
    claim(REQUEST);
    names.fail("web", 1, new IllegalStateException("no space"), true);
    assertThatThrownBy(() -> claim(OTHER)).isInstanceOf(FaultException.class);
    names.release("web", 1);
    assertThat(claim(OTHER)).isEqualTo(new Claim.Owner<>(2));
  }

  @Test
  void lateReleaseOfAFormerHolderTakesNothingAway() {
    claim(REQUEST);
    names.release("web", 1);
    claim(OTHER);
    names.release("web", 1);
    assertThatThrownBy(() -> claim(REQUEST)).isInstanceOf(FaultException.class);
  }

  @Test
  void adoptedNameBelongsToTheFirst() {
    assertThat(names.adopt("web", REQUEST, 9)).isTrue();
    assertThat(names.adopt("web", OTHER, 10)).isFalse();
    assertThat(((Claim.Joiner<Integer>) claim(REQUEST)).outcome()).isCompletedWithValue(9);
  }
}
