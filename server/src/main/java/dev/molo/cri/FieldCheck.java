package dev.molo.cri;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a field's values must look like: one cell of the column "check" of request-fields.tsv. One
 * of {@code -}, {@code required}, a {@link TextForm} (with {@code !} when it must not be empty,
 * with {@code required} when a list must have an element), a range {@code 0..65535}, or the allowed
 * names of an enumeration {@code POD|NODE}.
 *
 * @param form of text
 * @param required a message must be present, a list have an element
 * @param notEmpty text must not be empty
 * @param range of a number
 * @param names of an enumeration; empty allows all that are known
 */
record FieldCheck(
    Optional<TextForm> form,
    boolean required,
    boolean notEmpty,
    Optional<Range> range,
    Set<String> names) {
  private static final Pattern RANGE = Pattern.compile("(-?[0-9]+)\\.\\.(-?[0-9]+)");
  private static final Pattern NAMES = Pattern.compile("[A-Z_]+(\\|[A-Z_]+)+");

  /** Inclusive bounds. */
  record Range(long min, long max) {
    boolean contains(long value) {
      return min <= value && value <= max;
    }

    @Override
    public String toString() {
      return min + " to " + max;
    }
  }

  /** Reads a cell of the table. */
  static FieldCheck parse(String cell) {
    boolean required = false;
    boolean notEmpty = false;
    Optional<TextForm> form = Optional.empty();
    Optional<Range> range = Optional.empty();
    Set<String> names = Set.of();
    for (String word : cell.split(" ", -1)) {
      Matcher bounds = RANGE.matcher(word);
      if (word.equals("required")) {
        required = true;
      } else if (bounds.matches()) {
        range =
            Optional.of(
                new Range(Long.parseLong(bounds.group(1)), Long.parseLong(bounds.group(2))));
      } else if (NAMES.matcher(word).matches()) {
        names = Arrays.stream(word.split("\\|", -1)).collect(Collectors.toUnmodifiableSet());
      } else if (!word.equals("-")) {
        notEmpty = word.endsWith("!");
        String name = notEmpty ? word.substring(0, word.length() - 1) : word;
        form = Optional.of(TextForm.valueOf(name.toUpperCase(Locale.ROOT)));
      }
    }
    return new FieldCheck(form, required, notEmpty, range, names);
  }
}
