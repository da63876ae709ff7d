package dev.molo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FdTest {

  private final List<Integer> closed = new ArrayList<>();

  @Test
  void closesOnce() {
    Fd fd = Fd.owning(7, closed::add);
    fd.close();
    fd.close();
    assertThat(closed).containsExactly(7);
  }

  @Test
  void closedDescriptorHasNoNumber() {
    Fd fd = Fd.owning(7, closed::add);
    fd.close();
    assertThatThrownBy(fd::number)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("7");
  }

  @Test
  void releasedDescriptorStaysOpen() {
    Fd fd = Fd.owning(7, closed::add);
    assertThat(fd.release()).isEqualTo(7);
    fd.close();
    assertThat(closed).isEmpty();
    assertThatThrownBy(fd::release).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void borrowedDescriptorIsNeverClosed() {
    Fd fd = Fd.borrowed(1);
    fd.close();
    assertThat(fd.number()).isEqualTo(1);
    Fd.AT_FDCWD.close();
    assertThat(Fd.AT_FDCWD.number()).isEqualTo(-100);
  }

  @Test
  void negativeNumberIsRefused() {
    assertThatThrownBy(() -> Fd.owning(-1, closed::add))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
