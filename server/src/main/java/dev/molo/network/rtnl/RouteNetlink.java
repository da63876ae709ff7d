package dev.molo.network.rtnl;

import static dev.molo.network.rtnl.Netlink.*;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * What molo asks of rtnetlink, in one network namespace: that in which the socket was made.
 *
 * <p>Every method may block while the kernel's rtnl lock is held, and throws {@link LinuxException}
 * with what was tried, the errno and the kernel's extended text. One thread at a time.
 */
public final class RouteNetlink implements AutoCloseable {
  private static final int CHANGE = NLM_F_REQUEST | NLM_F_ACK;
  private static final int MAKE = CHANGE | NLM_F_CREATE | NLM_F_EXCL;

  private final NetlinkSocket socket;

  private RouteNetlink(NetlinkSocket socket) {
    this.socket = socket;
  }

  /** For this process's own namespace. */
  public static RouteNetlink open(Linux linux) {
    return new RouteNetlink(NetlinkSocket.open(linux));
  }

  /**
   * For the namespace in which {@code fd} was made; it stays the caller's. To be used on the same
   * thread as this object.
   */
  public RouteNetlink borrowing(Fd fd) {
    return new RouteNetlink(socket.borrowing(fd));
  }

  /** The link called {@code name}, if there is one. */
  public Optional<Link> link(String name) {
    MessageWriter packet = socket.packet();
    getLink(packet, name);
    try {
      return socket.execute(packet, Link::of).stream().findFirst();
    } catch (LinuxException e) {
      return absent(e);
    }
  }

  /** All links. */
  public List<Link> links() {
    return socket.dump(
        "list links",
        RTM_GETLINK,
        m -> linkHeader(m, 0, 0, 0).attributeU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS),
        Link::of);
  }

  /** All unicast routes outside the local table, both families. */
  public List<Route> routes() {
    return socket.dump("list routes", RTM_GETROUTE, m -> m.u32(0).u32(0).u32(0), Route::of);
  }

  /**
   * Makes a bridge, down; without spanning tree and multicast snooping, with a hardware address of
   * its own, so that it does not change with its ports.
   */
  public void addBridge(String name, String alias, byte[] mac, int mtu) {
    MessageWriter packet = socket.packet();
    packet.message(
        "add bridge " + name,
        RTM_NEWLINK,
        MAKE,
        m ->
            linkHeader(m, 0, 0, 0)
                .attribute(IFLA_IFNAME, name)
                .attribute(IFLA_ADDRESS, mac)
                .attributeU32(IFLA_MTU, mtu)
                .nest(
                    IFLA_LINKINFO,
                    info ->
                        info.attribute(IFLA_INFO_KIND, "bridge")
                            .nest(
                                IFLA_INFO_DATA,
                                data -> data.attributeU8(IFLA_BR_MCAST_SNOOPING, 0))));
    change(packet, "set alias of " + name, name, 0, m -> m.attribute(IFLA_IFALIAS, alias));
    socket.execute(packet);
  }

  /** Brings a link up. */
  public void up(String name) {
    MessageWriter packet = socket.packet();
    change(packet, "bring up " + name, name, IFF_UP, m -> {});
    socket.execute(packet);
  }

  /**
   * Makes a veth pair: the pod's end straight in its namespace under its final name and down (the
   * kernel cannot open it before it has its peer), the host's end up, as a port of the bridge that
   * sends frames back to where they came from (hairpin) and has no IPv6 address of its own.
   *
   * @return the host's end
   * @throws LinuxException EEXIST when one of the names is taken, EXFULL when the bridge has no
   *     free port; nothing is left then
   */
  public Link addVeth(VethPair pair) {
    MessageWriter packet = socket.packet();
    packet.message(
        "add veth " + pair.hostName() + " with " + pair.podName() + " in the pod",
        RTM_NEWLINK,
        MAKE,
        m ->
            linkHeader(m, 0, 0, 0)
                .attribute(IFLA_IFNAME, pair.hostName())
                .attributeU32(IFLA_MTU, pair.mtu())
                .nest(
                    IFLA_LINKINFO,
                    info ->
                        info.attribute(IFLA_INFO_KIND, "veth")
                            .nest(
                                IFLA_INFO_DATA,
                                data -> data.nest(VETH_INFO_PEER, peer -> podEnd(peer, pair)))));
    try {
      socket.execute(packet);
      // A second packet: were the name taken by a stranger's link, this would change that one.
      return joined(pair);
    } catch (LinuxException e) {
      // EEXIST comes from the first packet alone: there is nothing, or a stranger's.
      if (e.errno() != Errno.EEXIST) {
        undo(pair.hostName(), e);
      }
      throw e;
    }
  }

  private Link joined(VethPair pair) {
    MessageWriter packet = socket.packet();
    change(
        packet,
        "make " + pair.hostName() + " a port",
        pair.hostName(),
        IFF_UP,
        m -> hostEnd(m, pair));
    change(
        packet,
        "set hairpin mode of " + pair.hostName(),
        pair.hostName(),
        0,
        m ->
            m.nest(
                IFLA_LINKINFO,
                info ->
                    info.attribute(IFLA_INFO_SLAVE_KIND, "bridge")
                        .nest(
                            IFLA_INFO_SLAVE_DATA, data -> data.attributeU8(IFLA_BRPORT_MODE, 1))));
    getLink(packet, pair.hostName());
    return socket.execute(packet, Link::of).getFirst();
  }

  private void undo(String name, LinuxException cause) {
    try {
      delete(name);
    } catch (LinuxException e) {
      cause.addSuppressed(e);
    }
  }

  /** Puts an existing link on the bridge and brings it up. */
  public void join(String name, int bridge) {
    MessageWriter packet = socket.packet();
    change(
        packet,
        "make " + name + " a port of link " + bridge,
        name,
        IFF_UP,
        m -> m.attributeU32(IFLA_MASTER, bridge));
    socket.execute(packet);
  }

  /**
   * Takes a link down and off its bridge.
   *
   * @return false when there is no such link
   */
  public boolean isolate(String name) {
    MessageWriter packet = socket.packet();
    packet.message(
        "take down " + name,
        RTM_NEWLINK,
        CHANGE,
        m -> linkHeader(m, 0, 0, IFF_UP).attribute(IFLA_IFNAME, name).attributeU32(IFLA_MASTER, 0));
    return present(packet);
  }

  /**
   * Deletes a link; of a veth pair both ends. Slow (the kernel waits for its readers): never where
   * somebody waits.
   *
   * @return false when there is no such link
   */
  public boolean delete(String name) {
    MessageWriter packet = socket.packet();
    packet.message(
        "delete link " + name,
        RTM_DELLINK,
        CHANGE,
        m -> linkHeader(m, 0, 0, 0).attribute(IFLA_IFNAME, name));
    return present(packet);
  }

  /** Adds an address that is usable at once (no duplicate address detection). */
  public void addAddress(int link, InetAddress address, int prefix) {
    addAddresses(link, List.of(new Assignment(address, prefix, Optional.empty())));
  }

  /**
   * An address for an interface, and the next hop of its family's default route if it shall get
   * one.
   */
  public record Assignment(InetAddress address, int prefix, Optional<InetAddress> gateway) {}

  /**
   * Brings a link up.
   *
   * @param automaticIpv6 false: the kernel makes no link-local address, whose duplicate address
   *     detection costs a second of uncertainty and the rtnl lock at its end; the caller adds one
   */
  public void up(int link, boolean automaticIpv6) {
    MessageWriter packet = socket.packet();
    if (!automaticIpv6) {
      packet.message(
          "switch off automatic IPv6 addresses of link " + link,
          RTM_NEWLINK,
          CHANGE,
          m -> noAutomaticIpv6(linkHeader(m, link, 0, 0)));
    }
    packet.message(
        "bring up link " + link, RTM_NEWLINK, CHANGE, m -> linkHeader(m, link, IFF_UP, IFF_UP));
    socket.execute(packet);
  }

  /** Adds addresses and their default routes in one packet. */
  public void addAddresses(int link, List<Assignment> assignments) {
    MessageWriter packet = socket.packet();
    for (Assignment assignment : assignments) {
      newAddress(packet, link, assignment);
      assignment.gateway().ifPresent(gateway -> newDefaultRoute(packet, link, gateway));
    }
    socket.execute(packet);
  }

  private static void podEnd(MessageWriter peer, VethPair pair) {
    linkHeader(peer, 0, 0, 0)
        .attribute(IFLA_IFNAME, pair.podName())
        .attribute(IFLA_ADDRESS, HexFormat.ofDelimiter(":").parseHex(pair.podMac()))
        .attributeU32(IFLA_MTU, pair.mtu())
        .attributeU32(IFLA_NET_NS_FD, pair.podNamespace().number());
  }

  private static void hostEnd(MessageWriter m, VethPair pair) {
    noAutomaticIpv6(
        m.attribute(IFLA_IFALIAS, pair.alias()).attributeU32(IFLA_MASTER, pair.bridge()));
  }

  private static void noAutomaticIpv6(MessageWriter m) {
    m.nest(
        IFLA_AF_SPEC,
        families ->
            families.nest(
                AF_INET6,
                inet6 -> inet6.attributeU8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)));
  }

  private static void newAddress(MessageWriter packet, int link, Assignment assignment) {
    byte[] bytes = assignment.address().getAddress();
    boolean v4 = assignment.address() instanceof Inet4Address;
    packet.message(
        "add address %s/%d".formatted(assignment.address().getHostAddress(), assignment.prefix()),
        RTM_NEWADDR,
        MAKE,
        m -> {
          m.u8(v4 ? AF_INET : AF_INET6).u8(assignment.prefix()).u8(IFA_F_PERMANENT).u8(0);
          m.u32(link).attribute(IFA_LOCAL, bytes).attribute(IFA_ADDRESS, bytes);
          if (v4) {
            m.attribute(IFA_BROADCAST, broadcast(bytes, assignment.prefix()));
          } else {
            m.attributeU32(IFA_FLAGS, IFA_F_NODAD | IFA_F_PERMANENT);
          }
        });
  }

  private static byte[] broadcast(byte[] address, int prefix) {
    byte[] result = address.clone();
    for (int bit = prefix; bit < 32; bit++) {
      result[bit / 8] |= (byte) (0x80 >> (bit % 8));
    }
    return result;
  }

  private static void newDefaultRoute(MessageWriter packet, int link, InetAddress gateway) {
    packet.message(
        "add default route by " + gateway.getHostAddress(),
        RTM_NEWROUTE,
        MAKE,
        m -> {
          m.u8(gateway instanceof Inet4Address ? AF_INET : AF_INET6).u8(0).u8(0).u8(0);
          m.u8(RT_TABLE_MAIN).u8(RTPROT_STATIC).u8(0).u8(RTN_UNICAST).u32(0);
          m.attribute(RTA_GATEWAY, gateway.getAddress()).attributeU32(RTA_OIF, link);
        });
  }

  private static void getLink(MessageWriter packet, String name) {
    packet.message(
        "look up link " + name,
        RTM_GETLINK,
        CHANGE,
        m ->
            linkHeader(m, 0, 0, 0)
                .attribute(IFLA_IFNAME, name)
                .attributeU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS));
  }

  /** A change of an existing link, by name: an index in an old record may be another link's now. */
  private static void change(
      MessageWriter packet, String what, String name, int up, MessageWriter.Body body) {
    packet.message(
        what,
        RTM_NEWLINK,
        CHANGE,
        m -> {
          linkHeader(m, 0, up, up).attribute(IFLA_IFNAME, name);
          body.writeTo(m);
        });
  }

  /** struct ifinfomsg. */
  private static MessageWriter linkHeader(MessageWriter m, int index, int flags, int change) {
    return m.u8(AF_UNSPEC).u8(0).u16(0).u32(index).u32(flags).u32(change);
  }

  private boolean present(MessageWriter packet) {
    try {
      socket.execute(packet);
      return true;
    } catch (LinuxException e) {
      absent(e);
      return false;
    }
  }

  /** Nothing where the kernel says that there is no such link; else the failure goes on. */
  private static Optional<Link> absent(LinuxException e) {
    if (e.errno() == Errno.ENODEV) {
      return Optional.empty();
    }
    throw e;
  }

  @Override
  public void close() {
    socket.close();
  }
}
