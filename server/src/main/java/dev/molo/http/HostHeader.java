package dev.molo.http;

import java.util.regex.Pattern;

/**
 * Which Host headers are answered: addresses and localhost. A name would be somebody's DNS pointing
 * at loopback, and a browser behind it (DNS rebinding).
 */
final class HostHeader {
  private static final Pattern ANSWERED =
      Pattern.compile("(localhost|[0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9a-fA-F:.]+])(:[0-9]{1,5})?");

  private HostHeader() {}

  static boolean answered(String host) {
    return ANSWERED.matcher(host).matches();
  }
}
