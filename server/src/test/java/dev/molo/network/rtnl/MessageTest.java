package dev.molo.network.rtnl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.linux.LinuxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class MessageTest {

  private static MessageWriter writer() {
    return new MessageWriter(ByteBuffer.allocate(512), 6);
  }

  private static String hex(ByteBuffer packet) {
    byte[] bytes = new byte[packet.remaining()];
    packet.get(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** As {@code ip link set dev eth0 up} is seen by strace, on a little-endian machine. */
  @Test
  void messageIsWhatTheKernelReads() {
    MessageWriter out = writer();
    out.message(
        "up",
        Netlink.RTM_NEWLINK,
        5,
        m -> m.u8(0).u8(0).u16(0).u32(0).u32(1).u32(1).attribute(Netlink.IFLA_IFNAME, "eth0"));
    if (ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) {
      assertThat(hex(out.packet()))
          .isEqualTo(
              "2c000000"
                  + "1000"
                  + "0500"
                  + "07000000"
                  + "00000000"
                  + "00000000"
                  + "00000000"
                  + "01000000"
                  + "01000000"
                  + "0900"
                  + "0300"
                  + "6574683000"
                  + "000000");
    }
  }

  @Test
  void nestsAreReadBack() {
    MessageWriter out = writer();
    out.message(
        "veth",
        Netlink.RTM_NEWLINK,
        5,
        m ->
            m.nest(
                Netlink.IFLA_LINKINFO,
                info ->
                    info.attribute(Netlink.IFLA_INFO_KIND, "veth")
                        .attributeU8(9, 3)
                        .attributeU32(7, 0x01020304)));
    List<Reply> replies = Reply.parse(out.packet());
    assertThat(replies).hasSize(1);
    Attributes info = replies.getFirst().attributes(0).nested(Netlink.IFLA_LINKINFO);
    assertThat(info.string(Netlink.IFLA_INFO_KIND)).contains("veth");
    assertThat(info.bytes(9)).contains(new byte[] {3});
    assertThat(info.u32(7)).hasValue(0x01020304);
    assertThat(info.u32(9)).as("too short for it").isEmpty();
    assertThat(info.nested(50).string(1)).isEmpty();
  }

  @Test
  void severalMessagesShareAPacketAndCountOn() {
    MessageWriter out = writer();
    out.message("one", 20, 5, m -> m.u32(1)).message("two", 24, 5, m -> m.u32(2));
    assertThat(out.messages())
        .containsExactly(new MessageWriter.Sent(7, "one"), new MessageWriter.Sent(8, "two"));
    assertThat(Reply.parse(out.packet())).extracting(Reply::sequence).containsExactly(7, 8);
  }

  @Test
  void kernelsOwnWordsAreFoundInAnError() {
    for (boolean capped : new boolean[] {true, false}) {
      ByteBuffer packet = ByteBuffer.allocate(256).order(ByteOrder.nativeOrder());
      int request = 16 + 8;
      packet.putInt(0).putShort((short) Netlink.NLMSG_ERROR);
      packet.putShort((short) (Netlink.NLM_F_ACK_TLVS | (capped ? Netlink.NLM_F_CAPPED : 0)));
      packet.putInt(7).putInt(0).putInt(-17);
      packet.putInt(request).putInt(0).putInt(0).putInt(0);
      if (!capped) {
        packet.putLong(0);
      }
      packet.putShort((short) 8).putShort((short) Netlink.NLMSGERR_ATTR_MSG);
      packet.put(new byte[] {'n', 'o', '!', 0});
      packet.putInt(0, packet.position());
      Reply reply = Reply.parse(packet.flip()).getFirst();
      assertThat(reply.error()).isEqualTo(17);
      assertThat(reply.extendedText()).isEqualTo("no!");
    }
  }

  @Property
  void hostileBytesAreRefusedNeverReadBeyondTheirEnd(@ForAll byte[] bytes) {
    readAll(ByteBuffer.wrap(bytes));
    // Once more with a header that is right, so that the attributes are reached.
    ByteBuffer framed = ByteBuffer.allocate(32 + bytes.length).order(ByteOrder.nativeOrder());
    framed.putInt(32 + bytes.length).putShort((short) Netlink.RTM_NEWLINK).putShort((short) 0);
    framed.putLong(0).put(new byte[16]).put(bytes);
    readAll(framed.flip());
  }

  private static void readAll(ByteBuffer packet) {
    try {
      for (Reply reply : Reply.parse(packet)) {
        reply.error();
        reply.extendedText();
        Link.of(reply);
        Route.of(reply);
      }
    } catch (LinuxException e) {
      assertThat(e).hasMessageContaining("EBADMSG");
    }
  }

  @Test
  void attributeLongerThanItsPacketIsRefused() {
    ByteBuffer lie = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
    lie.putShort((short) 12).putShort((short) 3).putInt(0).flip();
    assertThatThrownBy(() -> Attributes.parse(lie)).isInstanceOf(LinuxException.class);
  }
}
