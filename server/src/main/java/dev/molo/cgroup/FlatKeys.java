package dev.molo.cgroup;

import java.util.OptionalLong;

/**
 * A file of lines {@code key value} (cgroup-v2.rst, "flat keyed"), searched in place: a statistics
 * request needs a handful of some fifty lines.
 */
final class FlatKeys {
  private final String text;

  private FlatKeys(String text) {
    this.text = text;
  }

  static FlatKeys of(String text) {
    return new FlatKeys(text);
  }

  OptionalLong get(String key) {
    for (int line = 0; line < text.length(); ) {
      int end = text.indexOf('\n', line);
      int stop = end < 0 ? text.length() : end;
      int value = line + key.length();
      if (value < stop && text.charAt(value) == ' ' && text.startsWith(key, line)) {
        return Numbers.parse(text, value + 1, stop);
      }
      line = stop + 1;
    }
    return OptionalLong.empty();
  }
}
