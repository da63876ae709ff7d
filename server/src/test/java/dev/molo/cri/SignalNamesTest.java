package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.cri.v1.Signal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SignalNamesTest {
  @ParameterizedTest
  @EnumSource(
      value = Signal.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"UNRECOGNIZED", "SIGNAL_RUNTIME_DEFAULT"})
  void everySignalComesBack(Signal signal) {
    assertThat(SignalNames.signal(SignalNames.name(signal).orElseThrow())).isEqualTo(signal);
  }

  @Test
  void defaultLeavesTheChoice() {
    assertThat(SignalNames.name(Signal.SIGNAL_RUNTIME_DEFAULT)).isEmpty();
    assertThat(SignalNames.signal("")).isEqualTo(Signal.SIGNAL_SIGTERM);
  }

  @ParameterizedTest
  @CsvSource({
    "SIGRTMINPLUS3, RTMIN+3",
    "SIGRTMAXMINUS2, RTMAX-2",
    "SIGRTMIN, RTMIN",
    "SIGTERM, SIGTERM"
  })
  void namesAreTheDomains(String wire, String name) {
    assertThat(SignalNames.name(Signal.valueOf("SIGNAL_" + wire))).hasValue(name);
  }

  @ParameterizedTest
  @CsvSource({
    "15, SIGTERM",
    "3, SIGQUIT",
    "37, SIGRTMINPLUS3",
    "62, SIGRTMAXMINUS2",
    "64, SIGRTMAX",
    "term, SIGTERM",
    "SIGRTMIN+3, SIGRTMINPLUS3",
    "sigkill, SIGKILL"
  })
  void whateverImagesSayIsUnderstood(String text, String wire) {
    assertThat(SignalNames.signal(text)).isEqualTo(Signal.valueOf("SIGNAL_" + wire));
  }

  @ParameterizedTest
  @CsvSource({"0", "33", "65", "99999999999", "SIGNOTHING", "RUNTIME_DEFAULT"})
  void nonsenseHasNoName(String text) {
    assertThat(SignalNames.signal(text)).isEqualTo(Signal.SIGNAL_RUNTIME_DEFAULT);
  }
}
