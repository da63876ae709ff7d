package dev.molo.launch;

import dev.molo.fault.FaultException;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks of strings that strangers wrote: images and requests. Messages name the field and never
 * repeat a value that could hold control characters.
 */
final class FieldText {
  /** PATH_MAX of the kernel, its final NUL included. */
  static final int PATH_MAX = 4096;

  private static final int NAME_MAX = 255;

  private FieldText() {}

  /** No control characters (which would add lines to files and logs), at most {@code max} chars. */
  static String plain(String field, String value, int max) {
    if (value.length() > max) {
      throw FaultException.invalid(
          "%s is longer than %d characters: %d", field, max, value.length());
    }
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c < 0x20 || c == 0x7f) {
        throw FaultException.invalid(
            "%s has a control character (0x%02x) at index %d", field, (int) c, i);
      }
    }
    return value;
  }

  /** An absolute path; {@code .} and {@code ..} are resolved as text, never above the root. */
  static String absolutePath(String field, String value) {
    plain(field, value, PATH_MAX - 1);
    if (!value.startsWith("/")) {
      throw FaultException.invalid("%s must be an absolute path, is \"%s\"", field, value);
    }
    return clean(field, value);
  }

  private static String clean(String field, String path) {
    List<String> names = new ArrayList<>();
    for (String name : path.split("/", -1)) {
      if (name.equals("..")) {
        if (!names.isEmpty()) {
          names.removeLast();
        }
      } else if (!name.isEmpty() && !name.equals(".")) {
        if (name.length() > NAME_MAX) {
          throw FaultException.invalid("%s has a name of more than %d bytes", field, NAME_MAX);
        }
        names.add(name);
      }
    }
    return "/" + String.join("/", names);
  }

  /** How deep a cleaned path lies: 0 for the root. */
  static int depth(String path) {
    return path.equals("/") ? 0 : (int) path.chars().filter(c -> c == '/').count();
  }

  /** Whether {@code path} is {@code above} or lies below it; both cleaned. */
  static boolean isWithin(String path, String above) {
    return above.equals("/") || path.equals(above) || path.startsWith(above + "/");
  }
}
