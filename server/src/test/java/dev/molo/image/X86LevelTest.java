package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class X86LevelTest {
  /** As the kernel shows them, of processors of 2004, 2009, 2015 and 2017. */
  private static final String OPTERON =
      "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse"
          + " sse2 ht syscall nx mmxext lm 3dnowext 3dnow up pni lahf_lm cmp_legacy";

  private static final String NEHALEM =
      OPTERON + " cx16 ssse3 sse4_1 sse4_2 popcnt pdcm dca monitor vmx tm2";
  private static final String SKYLAKE =
      NEHALEM + " aes xsave avx f16c rdrand abm bmi1 avx2 bmi2 fma movbe rdseed adx";
  private static final String SKYLAKE_SERVER =
      SKYLAKE + " avx512f avx512dq avx512cd avx512bw avx512vl";

  private static String variant(String flags) {
    return X86Level.variant(Set.of(flags.split(" ")));
  }

  @Test
  void eachLevelIsKnownByItsFlags() {
    assertThat(variant(OPTERON)).isEmpty();
    assertThat(variant(NEHALEM)).isEqualTo("v2");
    assertThat(variant(SKYLAKE)).isEqualTo("v3");
    assertThat(variant(SKYLAKE_SERVER)).isEqualTo("v4");
  }

  @Test
  void processorThatLacksOneFlagStaysBelow() {
    for (String flag : "abm avx avx2 bmi1 bmi2 f16c fma movbe xsave".split(" ")) {
      Set<String> flags = new HashSet<>(Set.of(SKYLAKE_SERVER.split(" ")));
      flags.remove(flag);
      assertThat(X86Level.variant(flags)).as("without %s", flag).isEqualTo("v2");
    }
  }

  /** The C library's loader asks the processor itself. */
  @Test
  void theLoaderOfThisMachineSaysTheSame() throws IOException {
    Path loader = Path.of("/lib64/ld-linux-x86-64.so.2");
    assumeTrue(Files.isExecutable(loader), "SKIPPED: no x86-64 machine with glibc");
    String said = Program.output(loader.toString(), "--help");
    assumeTrue(said.contains("x86-64-v2"), "SKIPPED: glibc is older than 2.33");
    String highest =
        Stream.of("v4", "v3", "v2")
            .filter(level -> said.contains("x86-64-" + level + " (supported"))
            .findFirst()
            .orElse("");
    assertThat(Platform.host()).isEqualTo(new Platform("linux", "amd64", highest));
  }
}
