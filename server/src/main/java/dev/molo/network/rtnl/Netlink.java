package dev.molo.network.rtnl;

/** Constants of netlink(7) and rtnetlink(7), under the kernel's names (linux/rtnetlink.h). */
final class Netlink {
  static final int NLMSG_ERROR = 2;
  static final int NLMSG_DONE = 3;
  static final int NLMSG_OVERRUN = 4;

  static final int NLM_F_REQUEST = 0x1;
  static final int NLM_F_ACK = 0x4;
  static final int NLM_F_DUMP_INTR = 0x10;
  static final int NLM_F_CAPPED = 0x100;
  static final int NLM_F_ACK_TLVS = 0x200;
  static final int NLM_F_DUMP = 0x300;
  static final int NLM_F_EXCL = 0x200;
  static final int NLM_F_CREATE = 0x400;
  static final int NLMSGERR_ATTR_MSG = 1;

  /** Bits of an attribute's type that are flags: nested, network byte order. */
  static final int NLA_F_NESTED = 1 << 15;

  static final int NLA_TYPE_MASK = 0x3fff;

  static final int RTM_NEWLINK = 16;
  static final int RTM_DELLINK = 17;
  static final int RTM_GETLINK = 18;
  static final int RTM_NEWADDR = 20;
  static final int RTM_GETADDR = 22;
  static final int RTM_NEWROUTE = 24;
  static final int RTM_GETROUTE = 26;

  static final int RTMGRP_LINK = 1;

  static final int AF_UNSPEC = 0;
  static final int AF_INET = 2;
  static final int AF_INET6 = 10;

  static final int IFF_UP = 1;

  static final int IFLA_ADDRESS = 1;
  static final int IFLA_IFNAME = 3;
  static final int IFLA_MTU = 4;
  static final int IFLA_MASTER = 10;
  static final int IFLA_LINKINFO = 18;
  static final int IFLA_IFALIAS = 20;
  static final int IFLA_AF_SPEC = 26;
  static final int IFLA_NET_NS_FD = 28;
  static final int IFLA_EXT_MASK = 29;
  static final int RTEXT_FILTER_SKIP_STATS = 1 << 3;

  static final int IFLA_INFO_KIND = 1;
  static final int IFLA_INFO_DATA = 2;
  static final int IFLA_INFO_SLAVE_KIND = 4;
  static final int IFLA_INFO_SLAVE_DATA = 5;
  static final int VETH_INFO_PEER = 1;
  static final int IFLA_BRPORT_MODE = 4;
  static final int IFLA_BR_MCAST_SNOOPING = 23;
  static final int IFLA_INET6_ADDR_GEN_MODE = 8;
  static final int IN6_ADDR_GEN_MODE_NONE = 1;

  static final int IFA_ADDRESS = 1;
  static final int IFA_LOCAL = 2;
  static final int IFA_BROADCAST = 4;
  static final int IFA_FLAGS = 8;
  static final int IFA_F_NODAD = 0x02;
  static final int IFA_F_PERMANENT = 0x80;

  static final int RTA_DST = 1;
  static final int RTA_OIF = 4;
  static final int RTA_GATEWAY = 5;
  static final int RTPROT_STATIC = 4;
  static final int RT_TABLE_MAIN = 254;
  static final int RT_TABLE_LOCAL = 255;
  static final int RTN_UNICAST = 1;

  private Netlink() {}
}
