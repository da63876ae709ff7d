package dev.molo.app;

import dev.molo.app.cli.MoloCommandLine;
import dev.molo.app.cli.ServeWords;

/** Where the program begins: hands the words of the command line to the commands. */
public final class Main {
  /** One line an entry: time, level, who, message, and the stack trace if there is one. */
  private static final String LOG_LINE = "%1$tFT%1$tT.%1$tL%1$tz %4$s %3$s: %5$s%6$s%n";

  private Main() {}

  public static void main(String[] args) {
    System.setProperty("java.util.logging.SimpleFormatter.format", LOG_LINE);
    System.exit(ServeWords.serve(args).orElseGet(() -> MoloCommandLine.run(args)));
  }
}
