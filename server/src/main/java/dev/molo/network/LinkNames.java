package dev.molo.network;

import dev.molo.spec.SandboxId;
import java.net.InetAddress;
import java.util.HexFormat;

/** Names and hardware addresses that follow from what they belong to. */
final class LinkNames {
  /** What the pod's interface is called inside; Kubernetes calls it so everywhere. */
  static final String POD_LINK = "eth0";

  private static final int ID_DIGITS = 10;
  private static final int MOST_ALIAS = 255;

  private LinkNames() {}

  /**
   * The host's end of a pod's veth: the instance's prefix and the beginning of the sandbox's id (40
   * random bits), so that a person finds the one from the other.
   */
  static String hostLink(NetworkSettings settings, SandboxId sandbox) {
    return settings.linkPrefix() + sandbox.value().substring(0, ID_DIGITS);
  }

  /** {@code molo:INSTANCE:SANDBOX:HOSTNAME}, in the host end's alias: whose it is beyond doubt. */
  static String alias(NetworkSettings settings, SandboxId sandbox, String hostname) {
    StringBuilder alias = new StringBuilder(sandboxAlias(settings, sandbox));
    hostname
        .chars()
        .filter(c -> c > ' ' && c < 0x7f)
        .limit(MOST_ALIAS - alias.length())
        .forEach(c -> alias.append((char) c));
    return alias.toString();
  }

  /** How the alias of a sandbox's link begins. */
  static String sandboxAlias(NetworkSettings settings, SandboxId sandbox) {
    return settings.tag() + ":" + sandbox.value() + ":";
  }

  /**
   * A locally administered hardware address made from the last four bytes of an internet address:
   * whoever gets the address later has the same one, so no neighbour's cache is ever wrong.
   */
  static byte[] mac(InetAddress address) {
    byte[] bytes = address.getAddress();
    byte[] mac = {0x02, 0x6d, 0, 0, 0, 0};
    System.arraycopy(bytes, bytes.length - 4, mac, 2, 4);
    return mac;
  }

  /** The IPv6 link-local address made from a hardware address (RFC 4291, appendix A). */
  static InterfaceAddress linkLocal(String macText) {
    byte[] mac = HexFormat.ofDelimiter(":").parseHex(macText);
    byte[] address = new byte[16];
    address[0] = (byte) 0xfe;
    address[1] = (byte) 0x80;
    address[8] = (byte) (mac[0] ^ 2);
    address[9] = mac[1];
    address[10] = mac[2];
    address[11] = (byte) 0xff;
    address[12] = (byte) 0xfe;
    System.arraycopy(mac, 3, address, 13, 3);
    return new InterfaceAddress(Addresses.of(address), 64);
  }

  static String text(byte[] mac) {
    return HexFormat.ofDelimiter(":").formatHex(mac);
  }
}
