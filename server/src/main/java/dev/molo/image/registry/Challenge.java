package dev.molo.image.registry;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a registry wants to know before it answers: one challenge of a {@code WWW-Authenticate}
 * header (RFC 9110, 11.6.1).
 *
 * @param scheme in lower case: {@code bearer}, {@code basic}
 * @param parameters names in lower case
 */
record Challenge(String scheme, Map<String, String> parameters) {

  Challenge {
    parameters = Map.copyOf(parameters);
  }

  /** All challenges of a header; what cannot be read ends the list. */
  static List<Challenge> parse(String header) {
    List<Challenge> challenges = new ArrayList<>();
    Scanner scanner = new Scanner(header);
    String scheme = scanner.token();
    while (!scheme.isEmpty()) {
      Map<String, String> parameters = new HashMap<>();
      String next = "";
      while (true) {
        scanner.skip(" \t,");
        String name = scanner.token();
        if (name.isEmpty() || !scanner.accept('=')) {
          next = name;
          break;
        }
        parameters.put(name.toLowerCase(Locale.ROOT), scanner.value());
      }
      challenges.add(new Challenge(scheme.toLowerCase(Locale.ROOT), parameters));
      scheme = next;
    }
    return challenges;
  }

  String parameter(String name) {
    return parameters.getOrDefault(name, "");
  }

  private static final class Scanner {
    private static final String DELIMITERS = " \t,=\"";
    private final String text;
    private int at;

    Scanner(String text) {
      this.text = text;
    }

    void skip(String characters) {
      while (at < text.length() && characters.indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    String token() {
      skip(" \t");
      int start = at;
      while (at < text.length() && DELIMITERS.indexOf(text.charAt(at)) < 0) {
        at++;
      }
      return text.substring(start, at);
    }

    boolean accept(char c) {
      skip(" \t");
      if (at < text.length() && text.charAt(at) == c) {
        at++;
        return true;
      }
      return false;
    }

    String value() {
      skip(" \t");
      if (at >= text.length() || text.charAt(at) != '"') {
        return token();
      }
      StringBuilder value = new StringBuilder();
      at++;
      while (at < text.length() && text.charAt(at) != '"') {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          at++;
        }
        value.append(text.charAt(at++));
      }
      at = Math.min(at + 1, text.length());
      return value.toString();
    }
  }
}
