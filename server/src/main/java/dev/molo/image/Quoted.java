package dev.molo.image;

/**
 * Text from strangers as it may stand in a message: quoted, control characters escaped, cut when
 * long.
 */
public final class Quoted {
  private static final int MAX = 200;

  private Quoted() {}

  /** {@code "text"}, safe for one log line. */
  public static String of(String text) {
    return "\"" + plain(text) + "\"";
  }

  /** The same without the quotation marks. */
  public static String plain(String text) {
    StringBuilder out = new StringBuilder(Math.min(text.length(), MAX) + 8);
    for (int i = 0; i < text.length() && i < MAX; i++) {
      char c = text.charAt(i);
      if (c < 0x20
          || c == 0x7f
          || c == '"'
          || (c >= 0x80 && c < 0xa0)
          || c == '\u2028'
          || c == '\u2029') {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    if (text.length() > MAX) {
      out.append("… (").append(text.length()).append(" characters)");
    }
    return out.toString();
  }
}
