package dev.molo.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How single values are written: sizes, durations, choices. Throws IllegalArgumentException. */
final class ConfigValues {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,18})\\s*([KMGT]i?B?|B)?");
  private static final Pattern DURATION = Pattern.compile("(\\d{1,12})\\s*(ms|s|m|h)");
  private static final Map<String, Long> FACTORS =
      Map.of(
          "",
          1L,
          "K",
          1000L,
          "M",
          1000_000L,
          "G",
          1000_000_000L,
          "T",
          1000_000_000_000L,
          "Ki",
          1L << 10,
          "Mi",
          1L << 20,
          "Gi",
          1L << 30,
          "Ti",
          1L << 40);

  private ConfigValues() {}

  static boolean truth(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("must be true or false");
    };
  }

  /** A number, or a size such as 16MiB (2^20) or 10M (10^6). */
  static long number(String text) {
    Matcher matcher = SIZE.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("must be a whole number, or a size such as 16MiB");
    }
    String suffix = matcher.group(2) == null ? "" : matcher.group(2).replace("B", "");
    try {
      return Math.multiplyExact(Long.parseLong(matcher.group(1)), FACTORS.get(suffix));
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("is too large", e);
    }
  }

  static Duration duration(String text) {
    Matcher matcher = DURATION.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("must be a duration such as 500ms, 10s, 2m or 1h");
    }
    long amount = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ms" -> Duration.ofMillis(amount);
      case "s" -> Duration.ofSeconds(amount);
      case "m" -> Duration.ofMinutes(amount);
      default -> Duration.ofHours(amount);
    };
  }

  static Path path(String text) {
    if (text.indexOf('\0') >= 0 || !text.startsWith("/")) {
      throw new IllegalArgumentException("must be an absolute path");
    }
    return Path.of(text).normalize();
  }

  static Object choice(Class<?> type, String text) {
    StringBuilder choices = new StringBuilder();
    for (Object constant : type.getEnumConstants()) {
      String word = constant.toString().toLowerCase(Locale.ROOT);
      if (word.equals(text)) {
        return constant;
      }
      choices.append(choices.isEmpty() ? "" : ", ").append(word);
    }
    throw new IllegalArgumentException("must be one of " + choices);
  }

  /** How a value is written in a file; the inverse of the above. */
  static String show(Object value) {
    return switch (value) {
      case Duration duration -> showDuration(duration);
      case Enum<?> constant -> constant.name().toLowerCase(Locale.ROOT);
      case String text -> text.isEmpty() ? "\"\"" : text;
      default -> value.toString();
    };
  }

  /** A byte count with the largest binary suffix that divides it. */
  static String showBytes(long bytes) {
    String[] suffixes = {"TiB", "GiB", "MiB", "KiB"};
    long factor = 1L << 40;
    for (String suffix : suffixes) {
      if (bytes != 0 && bytes % factor == 0) {
        return bytes / factor + suffix;
      }
      factor >>= 10;
    }
    return Long.toString(bytes);
  }

  private static String showDuration(Duration duration) {
    long millis = duration.toMillis();
    if (millis % 60_000 == 0 && millis > 0) {
      return millis / 60_000 + "m";
    }
    return millis % 1000 == 0 ? millis / 1000 + "s" : millis + "ms";
  }
}
