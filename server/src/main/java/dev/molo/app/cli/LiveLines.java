package dev.molo.app.cli;

import java.util.List;

/** Lines on the terminal behind standard error that are drawn over as things go on. Thread-safe. */
final class LiveLines {
  /** A line that is longer than the terminal is wide would become two, and be drawn over badly. */
  private static final String WRAP_OFF = "\033[?7l";

  private static final String WRAP_ON = "\033[?7h";

  private int drawn;

  /** Draws these in place of the last ones; none wipes them. */
  synchronized void redraw(List<String> lines) {
    StringBuilder text = new StringBuilder();
    if (drawn > 0) {
      text.append("\033[").append(drawn).append("A\r\033[J");
    }
    text.append(WRAP_OFF);
    lines.forEach(line -> text.append(line).append('\n'));
    text.append(WRAP_ON);
    drawn = lines.size();
    System.err.print(text);
    System.err.flush();
  }
}
