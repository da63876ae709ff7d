package dev.molo.pod;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SignalReadinessTest {
  private static final int SIGTERM = 15;
  private static final String ELSEWHERE = "1 0x1 0x2 0x3 0x0 0x0 0x0 0x7ffd 0x40";

  private static String status(String processIds, long blocked, long ignored, long caught) {
    return """
    Name:\tsh
    NSpid:\t%s
    Threads:\t1
    SigBlk:\t%016x
    SigIgn:\t%016x
    SigCgt:\t%016x
    CapInh:\t0
    """
        .formatted(processIds, blocked, ignored, caught);
  }

  @Test
  void aFirstProcessMustHaveAskedForTheSignal() {
    long term = 1L << (SIGTERM - 1);
    long others = ~term;
    assertThat(SignalReadiness.reaches(status("77\t1", 0, 0, 0), ELSEWHERE, SIGTERM)).isFalse();
    assertThat(SignalReadiness.reaches(status("77\t1", others, others, others), ELSEWHERE, SIGTERM))
        .isFalse();
    assertThat(SignalReadiness.reaches(status("77\t1", term, 0, 0), ELSEWHERE, SIGTERM)).isTrue();
    assertThat(SignalReadiness.reaches(status("77\t1", 0, term, 0), ELSEWHERE, SIGTERM)).isTrue();
    assertThat(SignalReadiness.reaches(status("77\t1", 0, 0, term), ELSEWHERE, SIGTERM)).isTrue();
    assertThat(SignalReadiness.reaches(status("77\t1", 0, 0, Long.MIN_VALUE), ELSEWHERE, 64))
        .isTrue();
  }

  @Test
  void everyOtherProcessIsReached() {
    assertThat(SignalReadiness.reaches(status("77", 0, 0, 0), ELSEWHERE, SIGTERM)).isTrue();
    assertThat(SignalReadiness.reaches(status("77\t11", 0, 0, 0), ELSEWHERE, SIGTERM)).isTrue();
    assertThat(SignalReadiness.reaches(Integer.MAX_VALUE, SIGTERM)).isTrue();
  }
}
