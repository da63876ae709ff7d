package dev.molo.supervisor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes one packet; not thread-safe. */
final class PacketBuilder {
  private ByteBuffer bytes = ByteBuffer.allocate(512).order(ByteOrder.nativeOrder());

  PacketBuilder(int type) {
    bytes.putInt(Wire.MAGIC).putShort((short) type).putShort((short) 0).putInt(0).putInt(0);
  }

  PacketBuilder u32(int tag, int value) {
    begin(tag, 4).putInt(value);
    return this;
  }

  PacketBuilder text(int tag, String value) {
    return bytes(tag, ByteBuffer.wrap(value.getBytes(StandardCharsets.UTF_8)));
  }

  PacketBuilder bytes(int tag, ByteBuffer value) {
    int length = value.remaining();
    begin(tag, length).put(value.duplicate());
    bytes.position((bytes.position() + 3) & ~3);
    return this;
  }

  private ByteBuffer begin(int tag, int length) {
    int needed = bytes.position() + 8 + ((length + 3) & ~3);
    if (needed > Wire.PACKET_MAX) {
      throw new IllegalArgumentException("a packet of more than " + Wire.PACKET_MAX + " bytes");
    }
    if (needed > bytes.capacity()) {
      ByteBuffer larger =
          ByteBuffer.allocate(Math.max(needed, 2 * bytes.capacity()))
              .order(ByteOrder.nativeOrder());
      larger.put(bytes.flip());
      bytes = larger;
    }
    return bytes.putShort((short) tag).putShort((short) 0).putInt(length);
  }

  /** The finished packet, direct, ready to be sent. */
  ByteBuffer finish(int sequence) {
    int length = bytes.position();
    bytes.putInt(8, sequence).putInt(12, length);
    ByteBuffer out = ByteBuffer.allocateDirect(length);
    out.put(bytes.duplicate().flip());
    return out.flip();
  }
}
