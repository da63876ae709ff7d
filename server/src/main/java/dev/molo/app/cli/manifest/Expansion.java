package dev.molo.app.cli.manifest;

import java.util.Map;

/**
 * Kubernetes' $(NAME) in commands, arguments and environment: a known name is replaced, an unknown
 * one stays as written, and $$ is a dollar sign.
 */
final class Expansion {
  private Expansion() {}

  static String expand(String text, Map<String, String> variables) {
    StringBuilder result = new StringBuilder();
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i);
      char next = i + 1 < text.length() ? text.charAt(i + 1) : '\0';
      if (c != '$' || (next != '$' && next != '(')) {
        result.append(c);
        i++;
        continue;
      }
      if (next == '$') {
        result.append('$');
        i += 2;
        continue;
      }
      int end = text.indexOf(')', i);
      String name = end < 0 ? "" : text.substring(i + 2, end);
      if (end < 0) {
        result.append("$(");
        i += 2;
      } else {
        result.append(variables.getOrDefault(name, "$(" + name + ")"));
        i = end + 1;
      }
    }
    return result.toString();
  }
}
