package dev.molo.app.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;

/** How things are shown to people. */
final class Shown {
  private static final int BRIEF_ID = 13;

  private Shown() {}

  /** The first digits of an id, without its algorithm. */
  static String briefId(String id) {
    String digits = id.startsWith("sha256:") ? id.substring("sha256:".length()) : id;
    return digits.length() > BRIEF_ID ? digits.substring(0, BRIEF_ID) : digits;
  }

  /** How long ago. */
  static String age(long epochNanos, Instant now) {
    if (epochNanos <= 0) {
      return "-";
    }
    long seconds = Math.max(0, Duration.between(instant(epochNanos), now).toSeconds());
    if (seconds < 120) {
      return seconds + "s";
    }
    if (seconds < 2 * 3600) {
      return seconds / 60 + "m";
    }
    return seconds < 2 * 86_400 ? seconds / 3600 + "h" : seconds / 86_400 + "d";
  }

  /** RFC 3339; empty for 0. */
  static String time(long epochNanos) {
    return epochNanos <= 0 ? "" : instant(epochNanos).toString();
  }

  static Instant instant(long epochNanos) {
    return Instant.ofEpochSecond(0, epochNanos);
  }

  /** As 12.3 MiB. */
  static String bytes(long bytes) {
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
    double amount = bytes;
    int unit = 0;
    while (amount >= 1024 && unit < units.length - 1) {
      amount /= 1024;
      unit++;
    }
    return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", amount, units[unit]);
  }

  /** A constant of CRI without its family's name: CONTAINER_RUNNING is Running. */
  static String state(Enum<?> state) {
    String word = state.name().substring(state.name().indexOf('_') + 1);
    return word.charAt(0) + word.substring(1).toLowerCase(Locale.ROOT);
  }

  /** Whether all of {@code wanted} are among {@code labels}. */
  static boolean matches(Map<String, String> labels, Map<String, String> wanted) {
    return labels.entrySet().containsAll(wanted.entrySet());
  }
}
