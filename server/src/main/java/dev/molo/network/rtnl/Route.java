package dev.molo.network.rtnl;

import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;

/**
 * A unicast route of any table but the local one.
 *
 * @param destination the base address; all zeros for a default route
 * @param prefix bits; 0 is a default route
 * @param outIndex the interface it leaves by; 0 where it has several next hops
 */
public record Route(InetAddress destination, int prefix, int outIndex) {

  /** The size of struct rtmsg. */
  static final int FIXED = 12;

  static Optional<Route> of(Reply reply) {
    if (reply.type() != Netlink.RTM_NEWROUTE || reply.payload().remaining() < FIXED) {
      return Optional.empty();
    }
    int family = reply.payload().get(0);
    boolean internet = family == Netlink.AF_INET || family == Netlink.AF_INET6;
    boolean unicast = reply.payload().get(7) == Netlink.RTN_UNICAST;
    boolean local = (reply.payload().get(4) & 0xff) == Netlink.RT_TABLE_LOCAL;
    if (!internet || !unicast || local) {
      return Optional.empty();
    }
    Attributes attributes = reply.attributes(FIXED);
    byte[] anywhere = new byte[family == Netlink.AF_INET ? 4 : 16];
    return Optional.of(
        new Route(
            address(attributes.bytes(Netlink.RTA_DST).orElse(anywhere)),
            reply.payload().get(1) & 0xff,
            attributes.u32(Netlink.RTA_OIF).orElse(0)));
  }

  private static InetAddress address(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new LinuxException("recv", Errno.EBADMSG, "route to " + bytes.length + " bytes");
    }
  }
}
