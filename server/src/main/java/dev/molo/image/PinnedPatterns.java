package dev.molo.image;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Which images are kept from garbage collection, by the configuration's patterns. */
final class PinnedPatterns {
  private final List<Pattern> patterns;

  PinnedPatterns(List<String> patterns) {
    this.patterns = patterns.stream().map(PinnedPatterns::compile).toList();
  }

  /** Everything is literal but {@code *}. */
  private static Pattern compile(String pattern) {
    String regex =
        Arrays.stream(pattern.split("\\*", -1))
            .map(Pattern::quote)
            .collect(Collectors.joining(".*"));
    return Pattern.compile(regex);
  }

  boolean match(List<String> tags) {
    return tags.stream().anyMatch(tag -> patterns.stream().anyMatch(p -> p.matcher(tag).matches()));
  }
}
