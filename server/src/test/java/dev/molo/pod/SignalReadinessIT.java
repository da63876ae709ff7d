package dev.molo.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.Patience;
import dev.molo.linux.RealKernel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(RealKernel.class)
class SignalReadinessIT {
  private static final int SIGTERM = 15;

  @Test
  void whoWaitsForSignalsIsReachedThoughItShowsNoneAsBlocked() throws Exception {
    Process waits =
        new ProcessBuilder(
                "unshare",
                "--pid",
                "--fork",
                "--kill-child",
                "python3",
                "-c",
                "import signal as s; s.pthread_sigmask(s.SIG_BLOCK, [s.SIGTERM]);"
                    + " print('ready', flush=True); s.sigwait([s.SIGTERM])")
            .start();
    try (var said = waits.inputReader()) {
      assertThat(said.readLine()).isEqualTo("ready");
      int pid = (int) waits.toHandle().children().findFirst().orElseThrow().pid();
      Patience.until(
          "the program waits for signals",
          () -> StuckProcess.describe(pid).contains("sigtimedwait"));

      assertThat(SignalReadiness.reaches(pid, SIGTERM)).isTrue();
      assertThat(SignalReadiness.reaches(pid, 10)).isTrue();
    } finally {
      waits.descendants().forEach(ProcessHandle::destroyForcibly);
      waits.destroyForcibly();
      var _ = Patience.exit("the program ends", waits);
    }
  }
}
