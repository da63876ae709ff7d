package dev.molo.app.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/** The program's commands, run in this process. */
public final class Molo {
  private Molo() {}

  /** What a command said, and its exit status. */
  public record Ran(int status, String out, String err) {}

  public static Ran run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status = MoloCommandLine.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    return new Ran(status, out.toString(), err.toString());
  }
}
