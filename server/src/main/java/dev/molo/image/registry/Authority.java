package dev.molo.image.registry;

import java.net.URI;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Who a URL is for. Where java.net.URI finds no host although there is one: names with an
 * underscore are none to it, but people, their container engines and some buckets have them.
 *
 * @param userInfo as it is written, empty when there is none
 * @param host without the brackets of an IPv6 address
 * @param port -1 when there is none
 */
record Authority(String userInfo, String host, int port) {
  private static final Pattern PARTS =
      Pattern.compile("(?:([^@]*)@)?(?:\\[([0-9A-Fa-f:.]+)]|([A-Za-z0-9._-]+))(?::([0-9]{0,5}))?");

  /** Empty when the URL names no host, or a port that there is not. */
  static Optional<Authority> of(URI uri) {
    String text = uri.getRawAuthority();
    Matcher parts = PARTS.matcher(text == null ? "" : text);
    if (!parts.matches()) {
      return Optional.empty();
    }
    String port = parts.group(4);
    int number = port == null || port.isEmpty() ? -1 : Integer.parseInt(port);
    return number > 65535
        ? Optional.empty()
        : Optional.of(
            new Authority(
                parts.group(1) == null ? "" : parts.group(1),
                parts.group(2) == null ? parts.group(3) : parts.group(2),
                number));
  }

  int portOr(int usual) {
    return port < 0 ? usual : port;
  }
}
