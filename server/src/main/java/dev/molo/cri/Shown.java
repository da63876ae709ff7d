package dev.molo.cri;

/** How strangers' text stands in a message: quoted, escaped, and never long. */
final class Shown {
  private static final int MAX_CHARACTERS = 60;

  private Shown() {}

  /** The text in quotes; control characters escaped, a long one cut with its length. */
  static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    int end = Math.min(text.length(), MAX_CHARACTERS);
    if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    for (int i = 0; i < end; i++) {
      append(out, text.charAt(i));
    }
    out.append('"');
    if (end < text.length()) {
      out.append("… (").append(text.length()).append(" characters)");
    }
    return out.toString();
  }

  private static void append(StringBuilder out, char c) {
    switch (c) {
      case '\n' -> out.append("\\n");
      case '\t' -> out.append("\\t");
      case '"' -> out.append("\\\"");
      case '\\' -> out.append("\\\\");
      default -> {
        if (Character.isISOControl(c)) {
          out.append("\\x%02x".formatted((int) c));
        } else {
          out.append(c);
        }
      }
    }
  }
}
