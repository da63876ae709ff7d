package dev.molo.app;

import dev.molo.app.cli.MoloCommandLine;

/** Where the program begins: hands the words of the command line to the commands. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    int status = MoloCommandLine.run(args);
    if (status != MoloCommandLine.KEEP_RUNNING) {
      System.exit(status);
    }
  }
}
