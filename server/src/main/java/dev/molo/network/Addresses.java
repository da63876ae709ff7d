package dev.molo.network;

import dev.molo.fault.FaultException;
import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;

/** Internet addresses as numbers and as text; never a name, so never a look-up. */
final class Addresses {

  private Addresses() {}

  /**
   * Reads a literal address: IPv4 as four decimal numbers, never the short or octal forms that the
   * JDK takes too; IPv6 without a scope.
   */
  static InetAddress parse(String text) {
    try {
      InetAddress address = InetAddress.ofLiteral(text);
      boolean plain =
          address instanceof Inet6Address
              ? text.indexOf('%') < 0
              : address.getHostAddress().equals(text);
      if (plain) {
        return address;
      }
    } catch (IllegalArgumentException e) {
      // Refused below, in the same words.
    }
    throw FaultException.invalid("\"%s\" is not an IPv4 or IPv6 address", text);
  }

  /** The address with {@code bytes.length} bytes, 4 or 16. */
  static InetAddress of(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("an address of " + bytes.length + " bytes", e);
    }
  }

  static InetAddress ofNumber(BigInteger number, int length) {
    byte[] bytes = new byte[length];
    byte[] value = number.toByteArray();
    // A leading zero byte carries the sign alone.
    int skip = value.length > length ? value.length - length : 0;
    System.arraycopy(value, skip, bytes, length - (value.length - skip), value.length - skip);
    return of(bytes);
  }

  /** RFC 5952 for IPv6 (the longest run of zero groups as ::), dotted quads for IPv4. */
  static String text(InetAddress address) {
    if (!(address instanceof Inet6Address)) {
      return address.getHostAddress();
    }
    int[] groups = groups(address.getAddress());
    int start = -1;
    int length = 1;
    for (int i = 0; i < 8; i++) {
      int run = zeroRun(groups, i);
      if (run > length) {
        start = i;
        length = run;
      }
    }
    if (start < 0) {
      return joined(groups, 0, 8);
    }
    return joined(groups, 0, start) + "::" + joined(groups, start + length, 8);
  }

  private static int[] groups(byte[] bytes) {
    int[] groups = new int[8];
    for (int i = 0; i < 8; i++) {
      groups[i] = (bytes[2 * i] & 0xff) << 8 | (bytes[2 * i + 1] & 0xff);
    }
    return groups;
  }

  private static int zeroRun(int[] groups, int from) {
    int end = from;
    while (end < 8 && groups[end] == 0) {
      end++;
    }
    return end - from;
  }

  private static String joined(int[] groups, int from, int to) {
    StringBuilder text = new StringBuilder();
    for (int i = from; i < to; i++) {
      text.append(i == from ? "" : ":").append(Integer.toHexString(groups[i]));
    }
    return text.toString();
  }
}
