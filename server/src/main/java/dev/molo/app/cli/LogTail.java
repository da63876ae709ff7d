package dev.molo.app.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The last lines of a log, for a message about a container that failed. */
final class LogTail {
  private static final int LINES = 10;

  private LogTail() {}

  /** Beginning with a newline; empty when there is nothing to read. */
  static String of(String logPath) {
    if (logPath.isEmpty()) {
      return "";
    }
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    LogPrinter printer = new LogPrinter(said, said, false);
    try (LogFollower follower = new LogFollower(Path.of(logPath), printer)) {
      follower.begin(LINES);
    } catch (IOException e) {
      return "; its log cannot be read: " + e;
    }
    String text = said.toString(StandardCharsets.UTF_8).stripTrailing();
    return text.isEmpty() ? "" : "; it said last:\n" + text;
  }
}
