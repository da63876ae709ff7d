package dev.molo.image;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** References by pattern, as the configuration writes them: all is literal but {@code *}. */
public final class ReferencePatterns {
  private record One(String text, Pattern pattern) {}

  private final List<One> patterns;

  /** In the order in which they are tried. */
  public ReferencePatterns(List<String> patterns) {
    this.patterns = patterns.stream().map(text -> new One(text, compile(text))).toList();
  }

  private static Pattern compile(String pattern) {
    String regex =
        Arrays.stream(pattern.split("\\*", -1))
            .map(Pattern::quote)
            .collect(Collectors.joining(".*"));
    return Pattern.compile(regex);
  }

  /** Whether there is none. */
  public boolean isEmpty() {
    return patterns.isEmpty();
  }

  /** The first that a reference matches, as it was written. */
  public Optional<String> match(String reference) {
    return patterns.stream()
        .filter(one -> one.pattern().matcher(reference).matches())
        .map(One::text)
        .findFirst();
  }
}
