package dev.molo.linux;

/** Constants of the socket interface, under the kernel's names. */
public final class SocketFlags {

  public static final int SOCK_STREAM = 1;
  public static final int SOCK_DGRAM = 2;
  public static final int SOCK_RAW = 3;
  public static final int SOCK_SEQPACKET = 5;

  /** Add to a type: the descriptor does not block. */
  public static final int SOCK_NONBLOCK = 04000;

  public static final int SOL_SOCKET = 1;
  public static final int SO_SNDBUF = 7;
  public static final int SO_RCVBUF = 8;
  public static final int SO_SNDBUFFORCE = 32;
  public static final int SO_RCVBUFFORCE = 33;
  public static final int SOL_NETLINK = 270;
  public static final int NETLINK_EXT_ACK = 11;
  public static final int NETLINK_GET_STRICT_CHK = 12;
  public static final int NETLINK_CAP_ACK = 10;

  public static final int NETLINK_ROUTE = 0;
  public static final int NETLINK_NETFILTER = 12;
  public static final int NETLINK_KOBJECT_UEVENT = 15;

  public static final int SHUT_RD = 0;
  public static final int SHUT_WR = 1;
  public static final int SHUT_RDWR = 2;

  /** The most descriptors that one packet can carry (SCM_MAX_FD). */
  public static final int SCM_MAX_FD = 253;

  private SocketFlags() {}
}
