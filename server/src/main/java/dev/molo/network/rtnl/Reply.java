package dev.molo.network.rtnl;

import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * One message as received.
 *
 * @param payload what follows the header; a view of the receive buffer
 */
record Reply(int type, int flags, int sequence, ByteBuffer payload) {

  /** Takes a packet apart; the buffer's position does not move. */
  static List<Reply> parse(ByteBuffer packet) {
    ByteBuffer in = packet.slice().order(ByteOrder.nativeOrder());
    List<Reply> replies = new ArrayList<>();
    int header = MessageWriter.headerSize();
    while (in.remaining() >= header) {
      int start = in.position();
      int length = in.getInt(start);
      if (length < header || length > in.remaining()) {
        throw new LinuxException(
            "recv",
            Errno.EBADMSG,
            "netlink message of %d bytes in a packet of %d".formatted(length, in.remaining()));
      }
      replies.add(
          new Reply(
              in.getShort(start + 4) & 0xffff,
              in.getShort(start + 6) & 0xffff,
              in.getInt(start + 8),
              in.slice(start + header, length - header).order(ByteOrder.nativeOrder())));
      in.position(Math.min(in.limit(), start + (length + 3) / 4 * 4));
    }
    return replies;
  }

  /** The attributes behind a fixed part of {@code fixed} bytes. */
  Attributes attributes(int fixed) {
    return payload.remaining() < fixed
        ? Attributes.parse(ByteBuffer.allocate(0))
        : Attributes.parse(payload.slice(fixed, payload.remaining() - fixed));
  }

  /** Of NLMSG_ERROR and NLMSG_DONE: 0, or the errno. */
  int error() {
    return payload.remaining() < 4 ? 0 : -payload.getInt(0);
  }

  /** The kernel's own words in an NLMSG_ERROR (extended acknowledgement), or nothing. */
  String extendedText() {
    if ((flags & Netlink.NLM_F_ACK_TLVS) == 0) {
      return "";
    }
    int skip = 4 + MessageWriter.headerSize();
    if ((flags & Netlink.NLM_F_CAPPED) == 0 && payload.remaining() >= skip) {
      // Uncapped, the whole request stands before the attributes, padded to four bytes.
      skip = 4 + (payload.getInt(4) + 3) / 4 * 4;
    }
    return attributes(skip).string(Netlink.NLMSGERR_ATTR_MSG).orElse("");
  }
}
