package dev.molo.supervisor;

import dev.molo.linux.Fd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A received packet: its header and its fields, copied out of the receiver's buffer.
 *
 * @param fds whoever takes the packet owns them
 */
record Packet(int type, boolean more, int sequence, List<Field> fields, List<Fd> fds) {

  /**
   * One field.
   *
   * @param bytes in the host's order, at position 0
   */
  record Field(int tag, ByteBuffer bytes) {
    int u32() {
      return bytes.getInt(0);
    }

    long u64() {
      return bytes.getLong(0);
    }

    String text() {
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(bytes.position(), copy);
      return new String(copy, StandardCharsets.UTF_8);
    }
  }

  /**
   * Reads a packet from a buffer that is flipped to it.
   *
   * @throws IllegalArgumentException when it is malformed
   */
  static Packet parse(ByteBuffer from, List<Fd> fds) {
    ByteBuffer in = from.order(ByteOrder.nativeOrder());
    if (in.remaining() < Wire.HEADER_BYTES) {
      throw new IllegalArgumentException("a packet of " + in.remaining() + " bytes");
    }
    int magic = in.getInt();
    int type = in.getShort() & 0xffff;
    int flags = in.getShort() & 0xffff;
    int sequence = in.getInt();
    int length = in.getInt();
    if (magic != Wire.MAGIC || length != in.limit()) {
      throw new IllegalArgumentException(
          "magic %x, length %d of %d".formatted(magic, length, in.limit()));
    }
    List<Field> fields = new ArrayList<>();
    while (in.remaining() >= 8) {
      fields.add(field(in));
    }
    return new Packet(type, (flags & Wire.MORE) != 0, sequence, List.copyOf(fields), fds);
  }

  private static Field field(ByteBuffer in) {
    int tag = in.getShort() & 0xffff;
    in.getShort();
    int length = in.getInt();
    int padded = (length + 3) & ~3;
    if (length < 0 || padded > in.remaining()) {
      throw new IllegalArgumentException("field %d overruns the packet".formatted(tag));
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    in.position(in.position() + padded - length);
    return new Field(tag, ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()));
  }

  Optional<Field> field(int tag) {
    return fields.stream().filter(field -> field.tag() == tag).findFirst();
  }

  OptionalInt u32(int tag) {
    return field(tag).map(field -> OptionalInt.of(field.u32())).orElse(OptionalInt.empty());
  }

  String text(int tag) {
    return field(tag).map(Field::text).orElse("");
  }

  List<String> texts(int tag) {
    return fields.stream().filter(field -> field.tag() == tag).map(Field::text).toList();
  }

  void closeFds() {
    fds.forEach(Fd::close);
  }
}
