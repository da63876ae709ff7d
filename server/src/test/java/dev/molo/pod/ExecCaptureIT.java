package dev.molo.pod;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.jnr.JnrLinux;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Captures by real pipes, as programs leave them that are gone before anybody reads. */
class ExecCaptureIT {
  private static final int PROGRAMS = 3000;

  private final Linux linux = JnrLinux.fromProperties();

  @Test
  void whatAProgramPrintedThatWasGoneAtOnceIsThereOnceTheEndIsTold() throws Exception {
    try (ExecCaptures captures = new ExecCaptures(linux, 1 << 20, 1 << 24)) {
      for (int i = 0; i < PROGRAMS; i++) {
        ExecCapture capture = captures.open();
        linux.files().write(capture.stderr(), ByteBuffer.wrap("complaint".getBytes(UTF_8)));
        capture.begin(); // closes the last write ends: both streams are at their end
        capture.ended().get(60, TimeUnit.SECONDS);
        try (ExecOutcome outcome = capture.collect(1)) {
          assertThat(UTF_8.decode(outcome.stderr()).toString())
              .as("program %d", i)
              .isEqualTo("complaint");
          assertThat(outcome.stdout().remaining()).isZero();
          assertThat(outcome.discarded()).isZero();
        }
      }
    }
  }

  /** The thread that reads may have had no turn yet, and somebody else holds the pipe. */
  @Test
  void whatLiesInThePipesWhenTimeIsUpIsCollected() throws Exception {
    byte[] said = "complaint".repeat(20_000).getBytes(UTF_8);
    try (ExecCaptures captures = new ExecCaptures(linux, 1 << 20, 1 << 24)) {
      for (int i = 0; i < PROGRAMS / 10; i++) {
        ExecCapture capture = captures.open();
        try (Fd backgroundChild = linux.files().dup(capture.stderr())) {
          linux.files().writeFully(backgroundChild, ByteBuffer.wrap(said));
          capture.begin();
          try (ExecOutcome outcome = capture.collect(0)) {
            assertThat(outcome.stderr().remaining()).as("program %d", i).isEqualTo(said.length);
            assertThat(outcome.discarded()).isZero();
          }
        }
      }
    }
  }
}
