package dev.molo.network.rtnl;

import java.util.HexFormat;
import java.util.Optional;

/**
 * A network interface.
 *
 * @param kind {@code bridge}, {@code veth}, …; empty for hardware and the loopback
 * @param alias free text that its maker gave it; empty when none
 * @param master index of the bridge (or other) that it is a port of; 0 for none
 * @param mac as {@code 02:6d:0a:58:00:01}; empty where it has none
 */
public record Link(
    int index,
    String name,
    String kind,
    String alias,
    int master,
    boolean up,
    int mtu,
    String mac) {

  /** The size of struct ifinfomsg. */
  static final int FIXED = 16;

  /**
   * Reads an RTM_NEWLINK or RTM_DELLINK of the family AF_UNSPEC; others are about something else.
   */
  static Optional<Link> of(Reply reply) {
    if (reply.type() != Netlink.RTM_NEWLINK && reply.type() != Netlink.RTM_DELLINK) {
      return Optional.empty();
    }
    if (reply.payload().remaining() < FIXED || reply.payload().get(0) != Netlink.AF_UNSPEC) {
      return Optional.empty();
    }
    Attributes attributes = reply.attributes(FIXED);
    return Optional.of(
        new Link(
            reply.payload().getInt(4),
            attributes.string(Netlink.IFLA_IFNAME).orElse(""),
            attributes.nested(Netlink.IFLA_LINKINFO).string(Netlink.IFLA_INFO_KIND).orElse(""),
            attributes.string(Netlink.IFLA_IFALIAS).orElse(""),
            attributes.u32(Netlink.IFLA_MASTER).orElse(0),
            (reply.payload().getInt(8) & Netlink.IFF_UP) != 0,
            attributes.u32(Netlink.IFLA_MTU).orElse(0),
            attributes.bytes(Netlink.IFLA_ADDRESS).map(Link::colons).orElse("")));
  }

  private static String colons(byte[] mac) {
    return HexFormat.ofDelimiter(":").formatHex(mac);
  }
}
