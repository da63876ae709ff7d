package dev.molo.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import dev.molo.spec.SandboxId;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class PodNetworkTest {
  private static final PodNetwork NETWORK =
      new PodNetwork(
          new SandboxId("0123456789abcdef".repeat(4)),
          "m12340123456789",
          17,
          "eth0",
          "02:6d:0a:58:00:02",
          1500,
          List.of(Subnet.parse("10.88.0.0/16").at(2), Subnet.parse("fd6d:6f6c:6f00::/64").at(2)),
          List.of(Addresses.parse("10.88.0.1"), Addresses.parse("fd6d:6f6c:6f00::1")));

  /** The bytes that version 1 wrote: a later daemon must still read them. */
  private static final String VERSION_1 =
      "01"
          + "0040"
          + HexFormat.of()
              .formatHex(
                  "0123456789abcdef".repeat(4).getBytes(java.nio.charset.StandardCharsets.US_ASCII))
          + "000f6d3132333430313233343536373839"
          + "00000011"
          + "000465746830"
          + "001130323a36643a30613a35383a30303a3032"
          + "000005dc"
          + "02"
          + "040a580002"
          + "10"
          + "10fd6d6f6c6f0000000000000000000002"
          + "40"
          + "02"
          + "040a580001"
          + "10fd6d6f6c6f0000000000000000000001";

  @Test
  void recordOfVersionOneIsRead() {
    byte[] bytes = HexFormat.of().parseHex(VERSION_1);
    assertThat(PodNetwork.decode(bytes)).isEqualTo(NETWORK);
    assertThat(NETWORK.encode()).isEqualTo(bytes);
  }

  @Test
  void tornRecordIsRefused() {
    byte[] bytes = NETWORK.encode();
    for (int length = 0; length < bytes.length; length++) {
      byte[] torn = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> PodNetwork.decode(torn)).isInstanceOf(FaultException.class);
    }
  }

  @Property
  void foreignBytesAreRefusedNotMisread(@ForAll byte[] bytes) {
    assertThatThrownBy(() -> PodNetwork.decode(bytes)).isInstanceOf(FaultException.class);
  }

  @Test
  void addressesAreTheKubeletsWay() {
    assertThat(NETWORK.ips()).containsExactly("10.88.0.2", "fd6d:6f6c:6f00::2");
    assertThat(NETWORK.ipv4()).map(InterfaceAddress::toString).contains("10.88.0.2/16");
  }
}
