package dev.molo.network.rtnl;

import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The attributes of a message or nest, by type; of two with one type the last counts. Lengths are
 * checked: a packet that lies about them is EBADMSG, never read beyond its end. Immutable, but it
 * looks into the buffer it was made from, so it lives no longer than that.
 */
final class Attributes {
  private static final int HEADER = 4;
  private final Map<Integer, ByteBuffer> byType;

  private Attributes(Map<Integer, ByteBuffer> byType) {
    this.byType = byType;
  }

  /** Reads all of the buffer's remaining bytes; its position does not move. */
  static Attributes parse(ByteBuffer from) {
    ByteBuffer in = from.slice().order(ByteOrder.nativeOrder());
    Map<Integer, ByteBuffer> found = new HashMap<>();
    while (in.remaining() >= HEADER) {
      int start = in.position();
      int length = in.getShort(start) & 0xffff;
      int type = in.getShort(start + 2) & Netlink.NLA_TYPE_MASK;
      if (length < HEADER || length > in.remaining()) {
        throw new LinuxException(
            "recv",
            Errno.EBADMSG,
            "netlink attribute %d of %d bytes in %d".formatted(type, length, in.remaining()));
      }
      found.put(type, in.slice(start + HEADER, length - HEADER).order(ByteOrder.nativeOrder()));
      in.position(Math.min(in.limit(), start + (length + 3) / 4 * 4));
    }
    return new Attributes(found);
  }

  Optional<byte[]> bytes(int type) {
    return value(type).map(Attributes::copied);
  }

  /** Without the NUL at its end. */
  Optional<String> string(int type) {
    return bytes(type).map(Attributes::text);
  }

  OptionalInt u32(int type) {
    ByteBuffer value = byType.get(type);
    return value == null || value.remaining() < 4
        ? OptionalInt.empty()
        : OptionalInt.of(value.getInt(value.position()));
  }

  /** The attributes within; none when it is absent. */
  Attributes nested(int type) {
    return value(type).map(Attributes::parse).orElseGet(() -> new Attributes(Map.of()));
  }

  private Optional<ByteBuffer> value(int type) {
    return Optional.ofNullable(byType.get(type));
  }

  private static byte[] copied(ByteBuffer value) {
    byte[] bytes = new byte[value.remaining()];
    value.duplicate().get(bytes);
    return bytes;
  }

  private static String text(byte[] bytes) {
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }
}
