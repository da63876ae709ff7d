package dev.molo.network;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Objects;

/**
 * An address of an interface and the length of its subnet's prefix.
 *
 * @param prefix bits, 0 to 32 for IPv4, 0 to 128 for IPv6
 */
public record InterfaceAddress(InetAddress address, int prefix) {
  public InterfaceAddress {
    Objects.requireNonNull(address);
    if (prefix < 0 || prefix > address.getAddress().length * 8) {
      throw new IllegalArgumentException("prefix length " + prefix + " of " + address);
    }
  }

  public boolean isIpv6() {
    return address instanceof Inet6Address;
  }

  /** The address alone, in its usual short form. */
  public String text() {
    return Addresses.text(address);
  }

  @Override
  public String toString() {
    return text() + "/" + prefix;
  }
}
