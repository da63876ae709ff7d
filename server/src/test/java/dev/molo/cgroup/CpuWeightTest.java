package dev.molo.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuWeightTest {
  /** The three fixed points, the ends and just beyond them, and some values between. */
  @ParameterizedTest
  @CsvSource({
    "2, 1",
    "1024, 100",
    "262144, 10000",
    "1, 1",
    "0, 1",
    "3, 2",
    "262143, 10000",
    "262145, 10000",
    "512, 59",
    "2048, 174",
    "102, 17"
  })
  void sharesBecomeTheWeightThatRuncAndCrunGive(long shares, long weight) {
    assertThat(CpuWeight.ofShares(shares)).isEqualTo(weight);
  }

  @Property
  void moreSharesNeverGiveLessWeight(@ForAll @LongRange(min = 2, max = 262_143) long shares) {
    assertThat(CpuWeight.ofShares(shares + 1)).isGreaterThanOrEqualTo(CpuWeight.ofShares(shares));
  }
}
