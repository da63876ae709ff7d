package dev.molo.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ObjectIndexTest {
  private final ObjectIndex<String> index = new ObjectIndex<>("container");

  @BeforeEach
  void fill() {
    index.add("abc1", "one");
    index.add("abc2", "two");
    index.add("b", "short");
    index.add("bb", "long");
  }

  @Test
  void unambiguousPrefixFinds() {
    assertThat(index.find("abc1")).contains("one");
    assertThat(index.get("abc2")).isEqualTo("two");
  }

  @Test
  void wholeIdWinsOverLongerOnes() {
    assertThat(index.find("b")).contains("short");
  }

  @Test
  void ambiguousPrefixIsInvalidAndNamesTwo() {
    assertThatThrownBy(() -> index.find("abc"))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT))
        .hasMessageContaining("abc1")
        .hasMessageContaining("abc2");
  }

  @Test
  void emptyIdIsInvalidNotUnknown() {
    assertThatThrownBy(() -> index.find(""))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT));
  }

  @Test
  void unknownIdIsNotFoundAndShownShort() {
    assertThat(index.find("zz")).isEmpty();
    assertThatThrownBy(() -> index.get("z".repeat(1 << 20)))
        .isInstanceOfSatisfying(
            FaultException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(Fault.NOT_FOUND);
              assertThat(e.getMessage().length()).isLessThan(200);
            });
  }
}
