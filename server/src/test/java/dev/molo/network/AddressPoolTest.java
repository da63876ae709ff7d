package dev.molo.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

final class AddressPoolTest {
  private static final long QUARANTINE = 10;

  @Property
  void noAddressIsGivenTwiceNorBeforeItRested(
      @ForAll @IntRange(min = 24, max = 29) int prefix,
      @ForAll @Size(max = 8) Set<@IntRange(max = 40) Integer> reserved,
      @ForAll @Size(max = 400) List<@IntRange(max = 5) Integer> steps) {
    Subnet subnet = Subnet.parse("10.1.2.0/" + prefix);
    AddressPool pool = new AddressPool(List.of(subnet), QUARANTINE);
    Set<Integer> out = new HashSet<>();
    Deque<Integer> order = new ArrayDeque<>();
    Map<Integer, Long> releasedAt = new HashMap<>();
    for (int offset : reserved) {
      boolean usable = offset >= 2 && offset < (1 << (32 - prefix)) - 1;
      assertThat(pool.reserve(offset)).isEqualTo(usable);
      if (usable) {
        out.add(offset);
        order.add(offset);
      }
    }
    long now = 0;
    for (int step : steps) {
      now += step;
      if (step < 2 && !order.isEmpty()) {
        int offset = order.poll();
        out.remove(offset);
        releasedAt.put(offset, now);
        pool.release(offset, now);
        continue;
      }
      try {
        int offset = pool.take(now);
        assertThat(out.add(offset)).as("offset %d twice", offset).isTrue();
        assertThat(offset).isBetween(2, (1 << (32 - prefix)) - 2);
        assertThat(now - releasedAt.getOrDefault(offset, now - QUARANTINE))
            .isGreaterThanOrEqualTo(QUARANTINE);
        releasedAt.remove(offset);
        order.add(offset);
      } catch (FaultException e) {
        assertThat(e.kind()).isEqualTo(Fault.RESOURCE_EXHAUSTED);
        long rested = now;
        assertThat(out.size() + releasedAt.size()).as("none was left").isEqualTo(pool.capacity());
        assertThat(releasedAt.values()).allMatch(at -> rested - at < QUARANTINE);
      }
    }
  }

  @Test
  void everyAddressOfThePoolIsUsedOnce() {
    AddressPool pool =
        new AddressPool(
            List.of(Subnet.parse("10.0.0.0/16"), Subnet.parse("fd00::/64")), QUARANTINE);
    Set<Integer> taken = new HashSet<>();
    for (int i = 0; i < pool.capacity(); i++) {
      taken.add(pool.take(0));
    }
    assertThat(taken).hasSize(65533);
    assertThatThrownBy(() -> pool.take(0))
        .hasMessageContaining("10.0.0.0/16 and fd00::/64")
        .hasMessageContaining("65533");
  }

  @Test
  void theSmallestFamilyLimitsThePool() {
    List<Subnet> subnets = List.of(Subnet.parse("10.0.0.0/8"), Subnet.parse("fd00::/120"));
    assertThat(new AddressPool(subnets, QUARANTINE).capacity()).isEqualTo(254);
  }

  @Test
  void afterARestartTheNextAddressLiesBehindTheHighest() {
    AddressPool pool = new AddressPool(List.of(Subnet.parse("10.0.0.0/29")), QUARANTINE);
    assertThat(pool.reserve(4)).isTrue();
    assertThat(pool.reserve(4)).isFalse();
    assertThat(List.of(pool.take(0), pool.take(0), pool.take(0), pool.take(0)))
        .containsExactly(5, 6, 2, 3);
  }

  @Test
  void anAddressThatNobodySawNeedsNoRest() {
    AddressPool pool = new AddressPool(List.of(Subnet.parse("10.0.0.0/29")), QUARANTINE);
    for (int i = 0; i < 5; i++) {
      pool.take(0);
    }
    pool.unused(3, 0);
    assertThat(pool.take(0)).isEqualTo(3);
  }
}
