package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.linux.Capability;
import java.util.EnumSet;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RlimitTest {
  private static final int NOFILE = 7;

  @Test
  void nofileIsAlwaysExplicit() {
    assertThat(Rlimit.of(Map.of(), Specs.kernel()))
        .containsExactly(new Rlimit(NOFILE, 1_048_576, 1_048_576));
  }

  @Test
  void aDaemonThatMayNotRaiseGivesWhatItHas() {
    var weak = Specs.kernel(EnumSet.complementOf(EnumSet.of(Capability.CAP_SYS_RESOURCE)));
    assertThat(Rlimit.of(Map.of("nofile", "1024:unlimited"), weak))
        .containsExactly(new Rlimit(NOFILE, 1024, 524_288));
  }

  @Test
  void theKernelsCeilingHoldsForAll() {
    assertThat(Rlimit.of(Map.of("nofile", "unlimited"), Specs.kernel()))
        .containsExactly(new Rlimit(NOFILE, 1_073_741_816, 1_073_741_816));
  }

  @Test
  void namesAreThoseOfPrlimit() {
    assertThat(Rlimit.of("core", "0")).isEqualTo(new Rlimit(4, 0, 0));
    assertThat(Rlimit.of("memlock", "65536:unlimited"))
        .isEqualTo(new Rlimit(8, 65_536, Rlimit.UNLIMITED));
    assertThat(Rlimit.of("rttime", "1")).isEqualTo(new Rlimit(15, 1, 1));
  }

  @ParameterizedTest
  @CsvSource({"files, 1", "core, x", "core, 1:2:3", "core, -1", "core, 2:1", "core, unlimited:1"})
  void nonsenseIsRefusedByName(String name, String value) {
    assertThatThrownBy(() -> Rlimit.of(name, value)).hasMessageContaining("rlimits");
  }
}
