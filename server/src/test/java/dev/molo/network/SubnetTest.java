package dev.molo.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

final class SubnetTest {

  @Property
  void anAddressIsFoundWhereItWasMade(
      @ForAll @Size(16) byte[] bytes,
      @ForAll @IntRange(min = 64, max = 112) int prefix,
      @ForAll @IntRange(max = 65535) int offset) {
    Subnet subnet = Subnet.around(Addresses.of(bytes), prefix);
    InterfaceAddress address = subnet.at(offset);
    assertThat(subnet.contains(address.address())).isTrue();
    assertThat(subnet.offsetOf(address.address())).isEqualTo(offset);
    assertThat(Subnet.parse(subnet.toString())).isEqualTo(subnet);
  }

  @Property
  void textIsReadBack(@ForAll @Size(16) byte[] bytes, @ForAll @IntRange(max = 15) int zeros) {
    java.util.Arrays.fill(bytes, Math.min(zeros, 10), Math.min(zeros + 6, 16), (byte) 0);
    var address = Addresses.of(bytes);
    assertThat(Addresses.parse(Addresses.text(address)).getHostAddress())
        .isEqualTo(address.getHostAddress());
  }

  @Test
  void ipv6TextIsTheShortForm() {
    assertThat(Addresses.text(Addresses.parse("fd6d:6f6c:6f00:0:0:0:0:2")))
        .isEqualTo("fd6d:6f6c:6f00::2");
    assertThat(Addresses.text(Addresses.parse("::"))).isEqualTo("::");
    assertThat(Addresses.text(Addresses.parse("1:0:2:3:4:5:6:7"))).isEqualTo("1:0:2:3:4:5:6:7");
    assertThat(Addresses.text(Addresses.parse("10.88.0.2"))).isEqualTo("10.88.0.2");
  }

  @Test
  void overlapIsSeenFromBothSides() {
    Subnet wide = Subnet.parse("10.88.0.0/16");
    Subnet narrow = Subnet.parse("10.88.3.0/24");
    assertThat(wide.overlaps(narrow)).isTrue();
    assertThat(narrow.overlaps(wide)).isTrue();
    assertThat(narrow.overlaps(Subnet.parse("10.88.4.0/24"))).isFalse();
    assertThat(wide.overlaps(Subnet.parse("fd00::/64"))).isFalse();
  }

  @Test
  void malformedTextIsRefusedWithIt() {
    for (String bad :
        new String[] {
          "",
          "/",
          "10.0.0.0",
          "10.0.0.1/24",
          "10.0.0.0/33",
          "10.0.0/24",
          "a/8",
          "10.0.0.0/-1",
          "fd00::/129",
          "localhost/8",
          "fd00::1/64",
          "010.0.0.0/24",
          "fe80::%1/64",
          "::ffff:10.0.0.0/120",
          "10.0.0.0/x"
        }) {
      assertThatThrownBy(() -> Subnet.parse(bad)).as(bad).isInstanceOf(FaultException.class);
    }
  }
}
