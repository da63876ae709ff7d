package dev.molo.network.rtnl;

import dev.molo.linux.Epoll;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.Received;
import dev.molo.linux.SocketFlags;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Questions and answers over one NETLINK_ROUTE socket. The kernel does the work inside send(2), so
 * an answer is there when it returns; waiting longer than ten seconds for one is ETIMEDOUT.
 *
 * <p>One thread at a time. May block in the kernel while others hold its rtnl lock, so it is used
 * on a platform thread.
 */
final class NetlinkSocket implements AutoCloseable {
  private static final int PACKET = 8192;

  /** The kernel fills at most 32 KiB of a dump into one packet. */
  private static final int RECEIVE = 64 * 1024;

  private static final int PATIENCE_MILLIS = 10_000;
  private static final int DUMP_ATTEMPTS = 32;

  private final Linux linux;
  private final Fd socket;
  private final boolean owned;
  private final ByteBuffer from;
  private final ByteBuffer into;
  private int sequence;

  private NetlinkSocket(Linux linux, Fd socket, boolean owned, ByteBuffer from, ByteBuffer into) {
    this.linux = linux;
    this.socket = socket;
    this.owned = owned;
    this.from = from;
    this.into = into;
  }

  /** A socket in this process's own network namespace. */
  static NetlinkSocket open(Linux linux) {
    Fd fd = linux.sockets().netlink(SocketFlags.NETLINK_ROUTE, 0, SocketFlags.SOCK_NONBLOCK);
    ByteBuffer from = ByteBuffer.allocateDirect(PACKET);
    ByteBuffer into = ByteBuffer.allocateDirect(RECEIVE).order(ByteOrder.nativeOrder());
    return configured(new NetlinkSocket(linux, fd, true, from, into));
  }

  /**
   * A socket that somebody else made, maybe in another namespace, and will close. It shares this
   * one's buffers, hence its thread.
   */
  NetlinkSocket borrowing(Fd fd) {
    linux.files().setNonBlocking(fd, true);
    return configured(new NetlinkSocket(linux, fd, false, from, into));
  }

  private static NetlinkSocket configured(NetlinkSocket made) {
    var sockets = made.linux.sockets();
    for (int option : new int[] {SocketFlags.NETLINK_EXT_ACK, SocketFlags.NETLINK_CAP_ACK}) {
      sockets.setOption(made.socket, SocketFlags.SOL_NETLINK, option, 1);
    }
    return made;
  }

  /** A packet of requests to be handed to {@link #execute}. */
  MessageWriter packet() {
    return new MessageWriter(from, sequence);
  }

  /**
   * Sends requests, each of which asks for an acknowledgement, and waits for all of those. The
   * kernel goes on after a failed one.
   *
   * @param consumer called for each message of data, while its buffer is valid
   * @throws LinuxException the first failure, with the kernel's own words where it gave some
   */
  <T> List<T> execute(MessageWriter packet, Function<Reply, Optional<T>> consumer) {
    Map<Integer, String> open = new HashMap<>();
    packet.messages().forEach(sent -> open.put(sent.sequence(), sent.what()));
    send(packet);
    List<T> results = new ArrayList<>();
    LinuxException first = null;
    while (!open.isEmpty()) {
      for (Reply reply : receive(open)) {
        if (!open.containsKey(reply.sequence())) {
          continue; // an answer to an earlier packet that failed half-way
        }
        if (reply.type() != Netlink.NLMSG_ERROR) {
          consumer.apply(reply).ifPresent(results::add);
          continue;
        }
        String what = open.remove(reply.sequence());
        if (reply.error() != 0 && first == null) {
          first = refusal(what, reply);
        }
      }
    }
    if (first != null) {
      throw first;
    }
    return results;
  }

  /** {@link #execute} of requests without data in their answers. */
  void execute(MessageWriter packet) {
    execute(packet, reply -> Optional.empty());
  }

  /**
   * A whole table. Begins anew when it changed meanwhile (NLM_F_DUMP_INTR), since entries may be
   * missing then.
   */
  <T> List<T> dump(
      String what, int type, MessageWriter.Body body, Function<Reply, Optional<T>> consumer) {
    for (int attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      List<T> results = new ArrayList<>();
      MessageWriter packet =
          packet().message(what, type, Netlink.NLM_F_REQUEST | Netlink.NLM_F_DUMP, body);
      send(packet);
      if (collectDump(what, packet.lastSequence(), consumer, results)) {
        return results;
      }
    }
    throw new LinuxException(
        "recv", Errno.EAGAIN, what + ": the table changed during " + DUMP_ATTEMPTS + " dumps");
  }

  /** Returns whether the dump was consistent; reads it to its end in any case. */
  private <T> boolean collectDump(
      String what, int wanted, Function<Reply, Optional<T>> consumer, List<T> results) {
    boolean consistent = true;
    while (true) {
      for (Reply reply : receive(Map.of(wanted, what))) {
        if (reply.sequence() != wanted) {
          continue;
        }
        consistent &= (reply.flags() & Netlink.NLM_F_DUMP_INTR) == 0;
        if (reply.type() == Netlink.NLMSG_DONE || reply.type() == Netlink.NLMSG_ERROR) {
          if (reply.error() != 0) {
            throw refusal(what, reply);
          }
          return consistent;
        }
        consumer.apply(reply).ifPresent(results::add);
      }
    }
  }

  private void send(MessageWriter packet) {
    sequence = packet.lastSequence();
    ByteBuffer bytes = packet.packet();
    int length = bytes.remaining();
    int sent = linux.sockets().send(socket, bytes);
    if (sent != length) {
      throw new LinuxException(
          "sendmsg", Errno.EAGAIN, packet.messages().getFirst().what() + ": sent " + sent);
    }
  }

  private List<Reply> receive(Map<Integer, String> open) {
    while (true) {
      into.clear();
      Optional<Received> received = linux.sockets().recv(socket, into);
      if (received.isPresent()) {
        if (received.get().truncated()) {
          throw new LinuxException(
              "recvmsg", Errno.EMSGSIZE, "netlink packet over " + RECEIVE + " bytes");
        }
        return Reply.parse(into.flip());
      }
      if (linux.epoll().poll(socket, Epoll.EPOLLIN, PATIENCE_MILLIS) == 0) {
        throw new LinuxException(
            "recvmsg", Errno.ETIMEDOUT, "netlink answer to: " + String.join("; ", open.values()));
      }
    }
  }

  private static LinuxException refusal(String what, Reply reply) {
    String said = reply.extendedText();
    return new LinuxException(
        "rtnetlink", reply.error(), said.isEmpty() ? what : what + ": " + said);
  }

  @Override
  public void close() {
    if (owned) {
      socket.close();
    }
  }
}
