package dev.molo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class RecordingLinuxTest {

  private final RecordingLinux linux = new RecordingLinux();

  @Test
  void recordsCallsInTheKernelsWords() {
    try (Fd dir = linux.files().open("/x", OpenFlags.O_PATH)) {
      linux.files().mkdirat(dir, "a", 0755);
    }
    assertThat(linux.calls().stream().map(RecordingLinux.Call::name))
        .containsExactly("openat2", "mkdirat");
    assertThat(linux.calls("mkdirat")).singleElement().asString().endsWith(", a, 493)");
    assertThat(linux.openFds()).isEmpty();
  }

  @Test
  void descriptorsLeftOpenAreKnown() {
    Fd kept = linux.files().open("/x", OpenFlags.O_PATH);
    assertThat(linux.openFds()).containsExactly(kept.number());
    kept.close();
  }

  @Test
  void anyCallCanBeRefused() {
    linux.refuseAfter(1, Errno.ENOSPC);
    linux.files().mkdirat(Fd.AT_FDCWD, "a", 0755);
    assertThatThrownBy(() -> linux.files().mkdirat(Fd.AT_FDCWD, "b", 0755))
        .isInstanceOf(LinuxException.class)
        .hasMessageContaining("ENOSPC");
    linux.files().mkdirat(Fd.AT_FDCWD, "c", 0755);
  }

  @Test
  void answersAsTold() {
    linux.answer("readFile", call -> "7\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    assertThat(linux.files().readText(Fd.AT_FDCWD, "/sys/x")).isEqualTo("7\n");
    assertThat(linux.files().list(linux.fd())).isEqualTo(List.of());
  }

  @Test
  void unknownAnswerIsTheTestsError() {
    assertThatThrownBy(() -> linux.files().statx(Fd.AT_FDCWD, "/x", 0))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("statx");
  }
}
