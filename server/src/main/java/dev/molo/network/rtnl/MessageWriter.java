package dev.molo.network.rtnl;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes netlink messages one after the other into one packet. Lengths are filled in when a message
 * or nest ends, everything is padded to four bytes. Not thread-safe.
 */
final class MessageWriter {
  /** A message that was written and the words by which its failure is told. */
  record Sent(int sequence, String what) {}

  private static final int HEADER = 16;
  private static final int ATTRIBUTE_HEADER = 4;

  private final ByteBuffer buffer;
  private final List<Sent> messages = new ArrayList<>();
  private int sequence;

  /**
   * @param buffer where the packet is written, from its start
   * @param lastSequence the first message gets the number after it
   */
  MessageWriter(ByteBuffer buffer, int lastSequence) {
    this.buffer = buffer.clear().order(ByteOrder.nativeOrder());
    sequence = lastSequence;
  }

  /** Writes a part of a message or nest; lengths come afterwards. */
  @FunctionalInterface
  interface Body {
    void writeTo(MessageWriter out);
  }

  /**
   * One message.
   *
   * @param what words for its failure, as {@code add address 10.88.0.2/16 to eth0}
   * @throws BufferOverflowException when the packet is full
   */
  MessageWriter message(String what, int type, int flags, Body body) {
    int start = buffer.position();
    sequence++;
    buffer.putInt(0).putShort((short) type).putShort((short) flags).putInt(sequence).putInt(0);
    body.writeTo(this);
    buffer.putInt(start, buffer.position() - start);
    messages.add(new Sent(sequence, what));
    return this;
  }

  MessageWriter u8(int value) {
    buffer.put((byte) value);
    return this;
  }

  MessageWriter u16(int value) {
    buffer.putShort((short) value);
    return this;
  }

  MessageWriter u32(int value) {
    buffer.putInt(value);
    return this;
  }

  MessageWriter attribute(int type, byte[] value) {
    int length = ATTRIBUTE_HEADER + value.length;
    buffer.putShort((short) length).putShort((short) type).put(value);
    pad(length);
    return this;
  }

  /** A NUL-terminated string. */
  MessageWriter attribute(int type, String value) {
    byte[] text = value.getBytes(StandardCharsets.UTF_8);
    byte[] terminated = new byte[text.length + 1];
    System.arraycopy(text, 0, terminated, 0, text.length);
    return attribute(type, terminated);
  }

  MessageWriter attributeU8(int type, int value) {
    return attribute(type, new byte[] {(byte) value});
  }

  MessageWriter attributeU32(int type, int value) {
    buffer.putShort((short) (ATTRIBUTE_HEADER + 4)).putShort((short) type).putInt(value);
    return this;
  }

  /** An attribute that holds attributes. */
  MessageWriter nest(int type, Body body) {
    int start = buffer.position();
    buffer.putShort((short) 0).putShort((short) (type | Netlink.NLA_F_NESTED));
    body.writeTo(this);
    buffer.putShort(start, (short) (buffer.position() - start));
    return this;
  }

  /** What was written, ready to be sent. */
  ByteBuffer packet() {
    return buffer.flip();
  }

  List<Sent> messages() {
    return List.copyOf(messages);
  }

  int lastSequence() {
    return sequence;
  }

  private void pad(int length) {
    for (int rest = length; rest % 4 != 0; rest++) {
      buffer.put((byte) 0);
    }
  }

  /** The size of a message header (struct nlmsghdr). */
  static int headerSize() {
    return HEADER;
  }
}
