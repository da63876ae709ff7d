package dev.molo.network;

import dev.molo.fault.FaultException;
import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;

/**
 * A range of addresses that share a prefix; the base has no bits beyond it.
 *
 * @param prefix bits
 */
public record Subnet(InetAddress base, int prefix) {
  public Subnet {
    byte[] bytes = base.getAddress();
    if (prefix < 0 || prefix > bytes.length * 8) {
      throw FaultException.invalid("subnet %s/%d: no such prefix", Addresses.text(base), prefix);
    }
    if (!new BigInteger(1, bytes).equals(masked(bytes, prefix))) {
      throw FaultException.invalid(
          "subnet %s/%d has bits set beyond its prefix", Addresses.text(base), prefix);
    }
  }

  /**
   * Reads {@code 10.120.0.0/20} or {@code fd00::/64}.
   *
   * @throws FaultException INVALID_ARGUMENT with the text
   */
  public static Subnet parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      throw FaultException.invalid("subnet \"%s\" must be written address/prefix", text);
    }
    try {
      return new Subnet(
          Addresses.parse(text.substring(0, slash)), Integer.parseInt(text.substring(slash + 1)));
    } catch (NumberFormatException e) {
      throw FaultException.invalid("subnet \"%s\" must be written address/prefix", text);
    }
  }

  /** The subnet with this prefix length in which {@code address} lies. */
  public static Subnet around(InetAddress address, int prefix) {
    byte[] bytes = address.getAddress();
    return new Subnet(Addresses.ofNumber(masked(bytes, prefix), bytes.length), prefix);
  }

  public boolean isIpv6() {
    return base instanceof Inet6Address;
  }

  /** The address {@code offset} places after the base; the caller stays within the subnet. */
  public InterfaceAddress at(int offset) {
    byte[] bytes = base.getAddress();
    BigInteger sum = new BigInteger(1, bytes).add(BigInteger.valueOf(offset));
    return new InterfaceAddress(Addresses.ofNumber(sum, bytes.length), prefix);
  }

  /** How far {@code address} lies from the base; negative when it is outside. */
  public int offsetOf(InetAddress address) {
    if (!contains(address)) {
      return -1;
    }
    BigInteger distance =
        new BigInteger(1, address.getAddress()).subtract(new BigInteger(1, base.getAddress()));
    return distance.bitLength() > 30 ? -1 : distance.intValue();
  }

  public boolean contains(InetAddress address) {
    byte[] bytes = address.getAddress();
    return bytes.length == base.getAddress().length
        && masked(bytes, prefix).equals(new BigInteger(1, base.getAddress()));
  }

  /** Whether the two share an address. */
  public boolean overlaps(Subnet other) {
    return prefix <= other.prefix ? contains(other.base) : other.contains(base);
  }

  private static BigInteger masked(byte[] bytes, int prefix) {
    int rest = bytes.length * 8 - prefix;
    return new BigInteger(1, bytes).shiftRight(rest).shiftLeft(rest);
  }

  @Override
  public String toString() {
    return Addresses.text(base) + "/" + prefix;
  }
}
