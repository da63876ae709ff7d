package dev.molo.linux.jnr;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What this JVM has mapped is given back, and it goes on. */
final class JnrMemoryIT {

  @Test
  void pagesOfTheVirtualMachineAreGivenBackAndComeAgain() {
    JnrMemory memory = new JnrMemory();
    List<String> asked = new ArrayList<>();

    long first =
        memory.releaseCleanPages(file -> {
          asked.add(file);
          return file.endsWith("/libjvm.so");
        });
    long second = memory.releaseCleanPages(file -> file.endsWith("/libjvm.so"));

    assertThat(asked).anyMatch(file -> file.endsWith("/libjvm.so"));
    // that this runs at all has brought some of them back
    assertThat(first).isPositive();
    assertThat(second).isPositive().isLessThan(first);
  }

  @Test
  void nothingIsGivenBackThatNobodyNamed() {
    assertThat(new JnrMemory().releaseCleanPages(file -> false)).isZero();
  }
}
