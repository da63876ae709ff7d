package dev.molo.app.cli;

import dev.molo.app.Daemon;
import dev.molo.config.ConfigFlags;
import dev.molo.config.ConfigLoader;
import dev.molo.linux.jnr.JnrLinux;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The words of {@code molo serve} as units and scripts write them, read without picocli: its
 * classes, of a format too old for the AOT cache, and its annotations would take a fifth of the
 * daemon's start. {@link ServeCommand} has the last word on all others.
 */
public final class ServeWords {
  static final Set<String> OPTIONS = Set.of("--instance", "--root", "--run", "--config", "--http");

  private ServeWords() {}

  /**
   * Serves until the process is told to end, if these words say so.
   *
   * @param args the whole command line
   * @return the exit status; empty for words that are {@link MoloCommandLine}'s
   */
  public static OptionalInt serve(String... args) {
    return flags(args).map(flags -> OptionalInt.of(serve(flags))).orElseGet(OptionalInt::empty);
  }

  private static int serve(ConfigFlags flags) {
    JnrLinux.bindAhead();
    try {
      return Daemon.run(ConfigLoader.load(flags));
    } catch (RuntimeException e) {
      return MoloCommandLine.failed(e, new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    }
  }

  /**
   * The flags that {@link ServeCommand} would read.
   *
   * @param args the whole command line
   * @return empty for another command, and for words other than plain pairs of an option and its
   *     value, each option once
   */
  static Optional<ConfigFlags> flags(String... args) {
    if (args.length % 2 == 0 || !args[0].equals("serve")) {
      return Optional.empty();
    }
    Map<String, String> given = new HashMap<>();
    for (int i = 1; i < args.length; i += 2) {
      boolean plain = OPTIONS.contains(args[i]) && isValue(args[i + 1]);
      if (!plain || given.put(args[i], args[i + 1]) != null) {
        return Optional.empty();
      }
    }
    return Optional.of(
        new ConfigFlags(
            Optional.ofNullable(given.get("--instance")),
            Optional.ofNullable(given.get("--root")).map(Path::of),
            Optional.ofNullable(given.get("--run")).map(Path::of),
            Optional.ofNullable(given.get("--config")).map(Path::of),
            Optional.ofNullable(given.get("--http"))));
  }

  /** Not what picocli might take for something else: an option, or text in quotation marks. */
  private static boolean isValue(String word) {
    return !word.isEmpty()
        && word.chars().noneMatch(c -> c == '"' || c == '\'' || c == 0)
        && !word.startsWith("-");
  }
}
