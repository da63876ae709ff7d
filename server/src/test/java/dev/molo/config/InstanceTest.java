package dev.molo.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InstanceTest {
  @Test
  void theDefaultInstanceHasTheWellKnownNames() {
    Instance molo = Instance.DEFAULT;

    assertThat(molo.bridge()).isEqualTo("molo0");
    assertThat(molo.nftTable()).isEqualTo("molo");
    assertThat(molo.cgroupRoot()).isEqualTo("/molo");
    assertThat(molo.subnets()).containsExactly("10.88.0.0/16", "fd6d:6f6c:6f00::/64");
  }

  @Test
  void linkNamesFitTheKernelAndDiffer() {
    Instance first = new Instance("a-rather-long-name-1");
    Instance second = new Instance("a-rather-long-name-2");

    assertThat(first.bridge()).hasSizeLessThanOrEqualTo(15).isNotEqualTo(second.bridge());
    assertThat(first.vethPrefix()).hasSize(5).isNotEqualTo(second.vethPrefix());
    assertThat(first.subnets()).doesNotContainAnyElementsOf(second.subnets());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "A", "1a", "a/b", "a..", "a b", "molo\n"})
  void otherNamesAreRefused(String name) {
    assertThatThrownBy(() -> new Instance(name)).isInstanceOf(FaultException.class);
  }
}
