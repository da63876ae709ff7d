package dev.molo.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StopSignalTest {
  @ParameterizedTest
  @CsvSource({
    "SIGTERM, SIGTERM, 15",
    "term, SIGTERM, 15",
    "15, SIGTERM, 15",
    "SIGQUIT, SIGQUIT, 3",
    "9, SIGKILL, 9",
    "SIGSYS, SIGSYS, 31",
    "SIGRTMIN, SIGRTMIN, 34",
    "SIGRTMIN+3, SIGRTMIN+3, 37",
    "37, SIGRTMIN+3, 37",
    "SIGRTMAX, SIGRTMAX, 64",
    "SIGRTMAX-1, SIGRTMIN+29, 63"
  })
  void readsEverySpelling(String text, String name, int number) {
    assertThat(StopSignal.named(text)).isEqualTo(new StopSignal(name, number));
    assertThat(StopSignal.named(name)).isEqualTo(new StopSignal(name, number));
  }

  @Test
  void absentMeansTerm() {
    assertThat(StopSignal.named("")).isEqualTo(new StopSignal("SIGTERM", 15));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0", "65", "-1", "SIGNOPE", "SIGRTMIN+31", "RTMAX-99", "TERM\n", "RTMIN+x"})
  void refusesWhatIsNoSignal(String text) {
    assertThatThrownBy(() -> StopSignal.named(text)).isInstanceOf(FaultException.class);
  }
}
