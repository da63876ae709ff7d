package dev.molo.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LinuxExceptionTest {

  @Test
  void messageNamesCallDetailAndErrno() {
    assertThat(new LinuxException("openat2", Errno.ENOENT, "/x/y"))
        .hasMessage("openat2(/x/y): ENOENT (No such file or directory)");
  }

  @Test
  void unknownNumberIsKept() {
    LinuxException e = new LinuxException("ioctl", 524, "x");
    assertThat(e.errno()).isEqualTo(Errno.UNKNOWN);
    assertThat(e.number()).isEqualTo(524);
    assertThat(e).hasMessage("ioctl(x): errno 524 (Unknown error)");
  }

  @Test
  void everyErrnoIsFoundByItsNumber() {
    for (Errno errno : Errno.values()) {
      assertThat(Errno.of(errno.number())).isEqualTo(errno);
    }
  }
}
