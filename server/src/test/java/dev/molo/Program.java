package dev.molo;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A program that a test runs: it hears nothing, and has to end. */
public final class Program {
  private Program() {}

  /**
   * How it ended.
   *
   * @param status its exit status
   * @param output what it and its children printed, standard error included unless that leads
   *     elsewhere
   */
  public record Ended(int status, String output) {
    /** What it complained of; empty when it succeeded. */
    public String complaint() {
      return status == 0 ? "" : "status %d %s".formatted(status, output);
    }
  }

  /** What a program prints that has to succeed. */
  public static String output(String... command) throws IOException {
    return output(StandardCharsets.UTF_8, command);
  }

  /** The same where names are bytes. */
  public static String output(Charset charset, String... command) throws IOException {
    Ended ended = run(new ProcessBuilder(command), charset);
    if (ended.status() != 0) {
      throw new AssertionError(String.join(" ", command) + ": " + ended.complaint());
    }
    return ended.output();
  }

  /** Runs it to its end, and to that of whatever holds its standard output. */
  public static Ended run(String... command) throws IOException {
    return run(new ProcessBuilder(command));
  }

  /** The same with more than words. */
  public static Ended run(ProcessBuilder builder) throws IOException {
    return run(builder, StandardCharsets.UTF_8);
  }

  private static Ended run(ProcessBuilder builder, Charset charset) throws IOException {
    List<String> command = builder.command();
    boolean merged = builder.redirectError().equals(ProcessBuilder.Redirect.PIPE);
    Process process =
        builder.redirectErrorStream(merged).redirectInput(new File("/dev/null")).start();
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    Thread hears = Thread.ofPlatform().daemon().start(() -> hear(process.getInputStream(), said));
    int status = Patience.exit("the end of " + command, process);
    Patience.end("the end of what " + command + " prints", hears);
    return new Ended(status, said.toString(charset));
  }

  private static void hear(InputStream words, ByteArrayOutputStream said) {
    try (words) {
      words.transferTo(said);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
