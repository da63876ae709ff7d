package dev.molo.linux.jnr;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.linux.Capability;
import dev.molo.linux.RealKernel;
import dev.molo.linux.SystemFacts;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(RealKernel.class)
class JnrSystemFactsIT {

  private final SystemFacts system = RealKernel.linux().system();

  @Test
  void factsAgreeWithWhatJavaKnows() {
    assertThat(system.kernelRelease()).isEqualTo(System.getProperty("os.version"));
    assertThat(system.kernelAtLeast(5, 10)).isTrue();
    assertThat(system.kernelAtLeast(99, 0)).isFalse();
    assertThat(system.bootId()).matches("[0-9a-f-]{36}");
    assertThat(system.pageSize()).isIn(4096, 16384, 65536);
    assertThat(system.effectiveCapabilities())
        .contains(Capability.CAP_SYS_ADMIN, Capability.CAP_NET_ADMIN);
    assertThat(system.lastCapability())
        .isGreaterThanOrEqualTo(Capability.CAP_CHECKPOINT_RESTORE.number());
    assertThat(system.umask()).isBetween(0, 0777);
    assertThat(system.pid()).isEqualTo((int) ProcessHandle.current().pid());
  }

  @Test
  void clocksRun() {
    long before = system.bootTimeNanos();
    assertThat(system.bootTimeNanos()).isGreaterThanOrEqualTo(before);
    long earlier = System.currentTimeMillis();
    long millis = TimeUnit.NANOSECONDS.toMillis(system.realTimeNanos());
    assertThat(millis).isBetween(earlier, System.currentTimeMillis());
  }
}
