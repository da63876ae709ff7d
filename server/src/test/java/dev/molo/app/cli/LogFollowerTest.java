package dev.molo.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogFollowerTest {
  private static final String T = "2026-01-01T00:00:00.000000001Z ";

  @TempDir Path dir;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void partialLinesAreJoinedAndStreamsKeptApart() throws IOException {
    write(T + "stdout P ab\n" + T + "stderr F oops\n" + T + "stdout F c\n");

    follow(-1, false);

    assertThat(text(out)).isEqualTo("abc\n");
    assertThat(text(err)).isEqualTo("oops\n");
  }

  @Test
  void timestampsStandAtTheBeginningOfWholeLines() throws IOException {
    write(T + "stdout P ab\n" + T + "stdout F c\n");

    follow(-1, true);

    assertThat(text(out)).isEqualTo(T + "abc\n");
  }

  @Test
  void tailBeginsWithTheLastLines() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 5000; i++) {
      text.append(T).append("stdout F line ").append(i).append('\n');
    }
    write(text.toString());

    follow(2, false);
    assertThat(text(out)).isEqualTo("line 4998\nline 4999\n");
    out.reset();
    follow(0, false);
    assertThat(text(out)).isEmpty();
    follow(9999, false);
    assertThat(text(out)).startsWith("line 0\n").endsWith("line 4999\n");
  }

  @Test
  void aRotationLosesNothing() throws IOException {
    write(T + "stdout F 1\n");
    try (LogFollower follower = new LogFollower(file(), new LogPrinter(out, err, false))) {
      follower.begin(-1);
      Files.move(file(), dir.resolve("old"));
      append("old", T + "stdout F 2\n");
      follower.pump();
      append("old", T + "stdout F 3\n");
      write(T + "stdout F 4\n");
      while (follower.pump()) {
        // until nothing is new
      }
    }
    assertThat(text(out)).isEqualTo("1\n2\n3\n4\n");
  }

  @Test
  void aFileThatComesLaterIsRead() throws IOException {
    try (LogFollower follower = new LogFollower(file(), new LogPrinter(out, err, false))) {
      follower.begin(-1);
      assertThat(follower.pump()).isFalse();
      write(T + "stdout F 1\n");
      assertThat(follower.pump()).isTrue();
    }
    assertThat(text(out)).isEqualTo("1\n");
  }

  @Test
  void whatIsNoLogLineIsPassedOn() throws IOException {
    write("hello\n\nx y z\n");

    follow(-1, false);

    assertThat(text(out)).isEqualTo("hello\n\nx y z\n");
  }

  private void follow(long tail, boolean timestamps) throws IOException {
    try (LogFollower follower = new LogFollower(file(), new LogPrinter(out, err, timestamps))) {
      follower.begin(tail);
    }
  }

  private Path file() {
    return dir.resolve("0.log");
  }

  private void write(String text) throws IOException {
    Files.writeString(file(), text);
  }

  private void append(String name, String text) throws IOException {
    Files.writeString(dir.resolve(name), text, StandardOpenOption.APPEND);
  }

  private static String text(ByteArrayOutputStream bytes) {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
