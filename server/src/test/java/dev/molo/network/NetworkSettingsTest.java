package dev.molo.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.config.Instance;
import dev.molo.config.NetworkConfig;
import dev.molo.linux.RecordingLinux;
import dev.molo.spec.SandboxId;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

final class NetworkSettingsTest {
  private static final Path STATE = Path.of("/nowhere");

  private static NetworkSettings of(String instance, String bridge, String... subnets) {
    return NetworkSettings.of(
        new Instance(instance), new NetworkConfig(bridge, List.of(subnets), 0, true), STATE);
  }

  @Test
  void subnetsOfTheInstanceMayBeReplacedByOthers() {
    String[] derived = new Instance("molo").subnets().toArray(String[]::new);
    NetworkSettings settings = of("molo", "molo0", derived);
    assertThat(settings.ipv4()).hasSizeGreaterThan(10).startsWith(Subnet.parse(derived[0]));
    assertThat(settings.ipv4()).doesNotHaveDuplicates();
    assertThat(settings.ipv6()).hasSizeGreaterThan(10).startsWith(Subnet.parse(derived[1]));
  }

  @Test
  void writtenSubnetsAreTakenAsTheyAre() {
    NetworkSettings settings = of("molo", "molo0", "10.1.0.0/24");
    assertThat(settings.ipv4()).containsExactly(Subnet.parse("10.1.0.0/24"));
    assertThat(settings.ipv6()).isEmpty();
  }

  @Test
  void whatNftOrTheKernelWouldMisreadIsRefused() {
    for (String bridge : List.of("", "a\" }", "sixteen-letters-", "a b", "../x", "a\nb")) {
      assertThatThrownBy(() -> of("molo", bridge, "10.1.0.0/24"))
          .as(bridge)
          .hasMessageContaining("network.bridge");
    }
    assertThatThrownBy(() -> of("molo", "molo0")).hasMessageContaining("at least one");
    assertThatThrownBy(() -> of("molo", "molo0", "10.1.0.0/30"))
        .hasMessageContaining("10.1.0.0/30");
    assertThatThrownBy(() -> of("molo", "molo0", "10.1.0.0/24", "10.2.0.0/24"))
        .hasMessageContaining("one family");
  }

  @Test
  void namesFitTheKernelsLimitAndTellTheInstance() {
    SandboxId sandbox = new SandboxId("ab".repeat(32));
    NetworkSettings settings = of("trial", "molo-trial", "10.1.0.0/24");
    assertThat(LinkNames.hostLink(settings, sandbox)).hasSize(15).endsWith("ababababab");
    assertThat(LinkNames.alias(settings, sandbox, "web\n" + "x".repeat(300)))
        .hasSize(255)
        .startsWith("molo:trial:" + sandbox + ":webxxx");
  }

  @Test
  void hardwareAddressFollowsFromTheAddress() {
    byte[] mac = LinkNames.mac(Addresses.parse("10.88.1.2"));
    assertThat(LinkNames.text(mac)).isEqualTo("02:6d:0a:58:01:02");
    assertThat(LinkNames.linkLocal("02:6d:0a:58:01:02")).hasToString("fe80::6d:aff:fe58:102/64");
  }

  @Test
  void masqueradeLeavesPodTrafficAlone() {
    Masquerade masquerade =
        new Masquerade(new RecordingLinux().nftables(), of("a-b", "molo-a-b", "10.1.0.0/24"));
    assertThat(masquerade.table(Subnet.parse("10.1.0.0/24")))
        .contains("table ip molo_a_b {")
        .contains(
            "ip saddr 10.1.0.0/24 oifname != \"molo-a-b\" ip daddr != 224.0.0.0/4 masquerade");
    assertThat(masquerade.table(Subnet.parse("fd00::/64")))
        .contains("table ip6 molo_a_b {", "ip6 saddr fd00::/64");
  }
}
