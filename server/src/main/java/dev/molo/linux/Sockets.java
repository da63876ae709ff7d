package dev.molo.linux;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * Unix and netlink sockets.
 *
 * <p>A path socket is addressed through a descriptor of its directory ({@code
 * /proc/self/fd/N/name}), because a path over 107 bytes is refused; the name itself has at most 80
 * bytes. Types take {@code SocketFlags.SOCK_NONBLOCK}. connect, accept, send and recv on a blocking
 * socket may block: a virtual thread is handed to the pool for accept and recv, so such waits must
 * be few and bounded; what waits for long is non-blocking and watched by {@link Epoll}.
 */
public interface Sockets {

  /**
   * A path socket, mode {@code mode} before the first connection can come, listening for stream and
   * seqpacket types.
   */
  Fd listenUnix(Fd dir, String name, int type, int mode, int backlog);

  /**
   * Connects to a path socket; ENOENT, ECONNREFUSED when nobody listens. For SOCK_DGRAM it only
   * sets the peer.
   */
  Fd connectUnix(Fd dir, String name, int type);

  /**
   * Connects to an abstract socket (systemd's NOTIFY_SOCKET may be one); {@code name} without the
   * leading NUL.
   */
  Fd connectAbstract(byte[] name, int type);

  /** accept4(2); empty when a non-blocking socket has none. {@code flags}: SOCK_NONBLOCK. */
  Optional<Fd> accept(Fd listener, int flags);

  /** Two connected unix sockets. */
  FdPair socketpair(int type);

  /** Two descriptors that belong together. */
  record FdPair(Fd first, Fd second) implements AutoCloseable {
    @Override
    public void close() {
      first.close();
      second.close();
    }
  }

  /**
   * sendmsg(2) with MSG_NOSIGNAL; the buffer's position advances. At most 253 descriptors a packet;
   * they stay ours.
   *
   * @return bytes sent, or {@link Files#WOULD_BLOCK}
   */
  int send(Fd socket, ByteBuffer from, List<Fd> fds);

  default int send(Fd socket, ByteBuffer from) {
    return send(socket, from, List.of());
  }

  /**
   * recvmsg(2) with MSG_CMSG_CLOEXEC; the buffer's position advances; empty when a non-blocking
   * socket has nothing.
   */
  Optional<Received> recv(Fd socket, ByteBuffer into);

  /** SO_PEERCRED of a connected unix socket. */
  PeerCredentials peerCredentials(Fd socket);

  /** setsockopt(2) of an int option. */
  void setOption(Fd socket, int level, int option, int value);

  /** getsockopt(2) of an int option. */
  int getOption(Fd socket, int level, int option);

  /** shutdown(2). */
  void shutdown(Fd socket, int how);

  /**
   * A bound netlink socket of {@code SocketFlags.NETLINK_*}; {@code groups} is the multicast mask;
   * type SOCK_RAW with flags.
   */
  Fd netlink(int protocol, int groups, int flags);
}
