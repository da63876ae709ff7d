package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import io.grpc.Status;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FaultStatusTest {
  private static Status status(Throwable failure) {
    return FaultStatus.of("Version", failure);
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void everyKindOfFaultHasTheCodeOfItsName(Fault kind) {
    Status status = status(new FaultException(kind, "why"));
    assertThat(status.getCode().name()).isEqualTo(kind.name());
    assertThat(status.getDescription()).isEqualTo("why");
  }

  @ParameterizedTest
  @EnumSource(
      value = Errno.class,
      names = {"ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM"})
  void whatTheHostHasRunOutOfIsResourceExhausted(Errno errno) {
    Status status = status(new LinuxException("openat2", errno, "/x"));
    assertThat(status.getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(status.getDescription()).contains("openat2(/x)").contains(errno.name());
  }

  @Test
  void otherRefusalsOfTheKernelAreInternalWithTheirSentence() {
    Status status = status(new LinuxException("mount", Errno.EBUSY, "overlay on /x"));
    assertThat(status.getCode()).isEqualTo(Status.Code.INTERNAL);
    assertThat(status.getDescription()).contains("mount(overlay on /x): EBUSY");
  }

  @Test
  void fullDiskOfTheJdkIsResourceExhausted() {
    IOException full = new IOException("/var/lib/x: No space left on device");
    assertThat(status(new UncheckedIOException(full)).getCode())
        .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
  }

  @Test
  void reasonWordOfTheKubeletComesFirst() {
    Status status =
        status(
            new FaultException(
                Fault.UNAVAILABLE, ReasonWord.RegistryUnavailable, "no answer from x", null));
    assertThat(status.getDescription()).isEqualTo("RegistryUnavailable: no answer from x");
  }

  @Test
  void wrappersOfOtherThreadsAreLookedThrough() {
    Status status =
        status(new CompletionException(FaultException.notFound("no container %s", "x")));
    assertThat(status.getCode()).isEqualTo(Status.Code.NOT_FOUND);
    assertThat(status.getDescription()).isEqualTo("no container x");
  }

  @Test
  void sentenceFitsAHeader() {
    Status status = status(new FaultException(Fault.INVALID_ARGUMENT, "x".repeat(1 << 20)));
    assertThat(status.getDescription()).hasSizeLessThan(2100);
  }
}
