package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SysctlsTest {
  @Test
  void everyPodMayBindLowPortsAndSendPings() {
    assertThat(Sysctls.of(Map.of(), true, true))
        .containsExactly(
            Map.entry("net/ipv4/ip_unprivileged_port_start", "0"),
            Map.entry("net/ipv4/ping_group_range", "0 2147483647"));
    assertThat(Sysctls.of(Map.of(), false, true)).isEmpty();
  }

  @Test
  void theRequestHasTheLastWord() {
    assertThat(Sysctls.of(Map.of("net.ipv4.ip_unprivileged_port_start", "1024"), true, true))
        .containsEntry("net/ipv4/ip_unprivileged_port_start", "1024");
  }

  @Test
  void dotsAndSlashesNameTheSame() {
    assertThat(Sysctls.of(Map.of("net/ipv4/conf/eth0.1/forwarding", "1"), true, true))
        .containsKey("net/ipv4/conf/eth0.1/forwarding");
    assertThat(Sysctls.of(Map.of("net.ipv4.conf.eth0/1.forwarding", "1"), true, true))
        .containsKey("net/ipv4/conf/eth0.1/forwarding");
    assertThat(Sysctls.of(Map.of("kernel.shm_rmid_forced", "1"), true, true))
        .containsKey("kernel/shm_rmid_forced");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "kernel.core_pattern",
        "vm.overcommit_memory",
        "kernel.shmx",
        "kernel.semaphore",
        "fs.mqueue",
        "fs.file-max",
        "net",
        "net..ipv4",
        "net/../kernel/core_pattern",
        "net/./x/../../kernel/core_pattern",
        "net.ipv4/../../kernel/core_pattern",
        "/net/ipv4/ip_forward",
        "",
        "net.ipv4.x\n",
        "net.ipv4.x+y=z"
      })
  void whatIsNotThePodsIsRefused(String name) {
    assertThatThrownBy(() -> Sysctls.of(Map.of(name, "1"), true, true))
        .isInstanceOf(FaultException.class)
        .hasMessageStartingWith("linux.sysctls");
  }

  @Test
  void theHostsNamespacesAreLeftAlone() {
    assertThatThrownBy(() -> Sysctls.of(Map.of("net.ipv4.ip_forward", "1"), false, true))
        .hasMessageContaining("host's network");
    assertThatThrownBy(() -> Sysctls.of(Map.of("kernel.sem", "1 2 3 4"), true, false))
        .hasMessageContaining("host's ipc namespace");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1\n2", "1\0", "\u00fc"})
  void valuesThatAreNoneAreRefused(String value) {
    assertThatThrownBy(() -> Sysctls.of(Map.of("net.ipv4.ip_forward", value), true, true))
        .hasMessageContaining("net.ipv4.ip_forward");
  }

  @Property
  void noNameReachesBeyondThePodsOwn(@ForAll String name) {
    try {
      Sysctls.of(Map.of("net." + name, "1"), true, true)
          .keySet()
          .forEach(path -> assertThat(path).startsWith("net/").doesNotContain(".."));
    } catch (FaultException refused) {
      assertThat(refused).hasMessageStartingWith("linux.sysctls");
    }
  }
}
