package dev.molo.launch;

import dev.molo.linux.Architecture;
import dev.molo.linux.Capability;
import dev.molo.linux.SeccompProfile;
import dev.molo.linux.SeccompProfile.Action;
import dev.molo.linux.SeccompProfile.Argument;
import dev.molo.linux.SeccompProfile.Comparison;
import dev.molo.linux.SeccompProfile.Rule;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;

/** The RuntimeDefault filter: reads {@code seccomp-default.txt}, which explains its own format. */
final class DefaultSeccomp {
  private static final String RESOURCE = "seccomp-default.txt";
  private static final int ENOSYS = 38;

  private final Set<Capability> bounding;
  private final Architecture architecture;
  private final List<Rule> rules = new ArrayList<>();
  private boolean applies = true;

  private DefaultSeccomp(Set<Capability> bounding, Architecture architecture) {
    this.bounding = bounding;
    this.architecture = architecture;
  }

  /** The profile for a process with this bounding set. */
  static SeccompProfile profile(Set<Capability> bounding, Architecture architecture) {
    DefaultSeccomp reader = new DefaultSeccomp(bounding, architecture);
    text().lines().map(String::trim).forEach(reader::line);
    return new SeccompProfile(
        Action.ERRNO, OptionalInt.empty(), architectures(architecture), reader.rules);
  }

  /** Programs of the 32-bit sister architectures run too, and are filtered as well. */
  private static List<String> architectures(Architecture architecture) {
    return switch (architecture) {
      case X86_64 -> List.of("x86_64", "x86", "x32");
      case AARCH64 -> List.of("aarch64", "arm");
    };
  }

  private static String text() {
    try (InputStream in = DefaultSeccomp.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("resource missing: " + RESOURCE);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void line(String line) {
    if (line.isEmpty() || line.startsWith("#")) {
      return;
    }
    String[] words = line.split(" +");
    switch (words[0]) {
      case "always" -> applies = true;
      case "with" -> applies = bounding.contains(Capability.valueOf(words[1]));
      case "without" -> applies = !bounding.contains(Capability.valueOf(words[1]));
      case "on" ->
          applies = architecture == Architecture.valueOf(words[1].toUpperCase(Locale.ROOT));
      default -> rule(words);
    }
  }

  private void rule(String[] words) {
    if (!applies) {
      return;
    }
    if (words.length > 1 && words[1].equals("if")) {
      rules.add(allow(List.of(words[0]), List.of(condition(words))));
      return;
    }
    if (words.length > 1 && words[1].equals("fails")) {
      if (!words[2].equals("ENOSYS")) {
        throw new IllegalStateException("unknown error in " + RESOURCE + ": " + words[2]);
      }
      rules.add(new Rule(List.of(words[0]), Action.ERRNO, OptionalInt.of(ENOSYS), List.of()));
      return;
    }
    rules.add(allow(List.of(words), List.of()));
  }

  private static Rule allow(List<String> names, List<Argument> conditions) {
    return new Rule(names, Action.ALLOW, OptionalInt.empty(), conditions);
  }

  private static Argument condition(String[] words) {
    int index = Integer.parseInt(words[2]);
    long value = Long.decode(words[4]);
    return switch (words[3]) {
      case "==" -> new Argument(index, Comparison.EQUAL, value, 0);
      case "<" -> new Argument(index, Comparison.LESS_THAN, value, 0);
      case ">" -> new Argument(index, Comparison.GREATER_THAN, value, 0);
      case "&" -> new Argument(index, Comparison.MASKED_EQUAL, value, 0);
      default -> throw new IllegalStateException("unknown comparison: " + words[3]);
    };
  }
}
