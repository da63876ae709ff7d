package dev.molo.cri;

import io.netty.util.NetUtil;

/** Whether text spells IP addresses; never asks a name server. */
final class IpText {
  private IpText() {}

  /** An IPv4 or IPv6 address; the latter may carry a zone, as in {@code fe80::1%eth0}. */
  static boolean isAddress(String text) {
    int zone = text.indexOf('%');
    if (zone < 0) {
      return NetUtil.isValidIpV4Address(text) || NetUtil.isValidIpV6Address(text);
    }
    String name = text.substring(zone + 1);
    return NetUtil.isValidIpV6Address(text.substring(0, zone))
        && !name.isEmpty()
        && name.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '/' && c != '%');
  }

  /** One or more networks with commas in between, as in {@code 10.0.0.0/16,fd00::/64}. */
  static boolean areNetworks(String text) {
    for (String network : text.split(",", -1)) {
      if (!isNetwork(network)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isNetwork(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      return false;
    }
    String address = text.substring(0, slash);
    String length = text.substring(slash + 1);
    if (length.isEmpty()
        || length.length() > 3
        || !length.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return false;
    }
    int bits = Integer.parseInt(length);
    return (NetUtil.isValidIpV4Address(address) && bits <= 32)
        || (NetUtil.isValidIpV6Address(address) && address.indexOf('%') < 0 && bits <= 128);
  }
}
