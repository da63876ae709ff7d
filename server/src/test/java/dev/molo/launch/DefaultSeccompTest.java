package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.linux.Architecture;
import dev.molo.linux.Capability;
import dev.molo.linux.SeccompProfile;
import dev.molo.linux.SeccompProfile.Action;
import dev.molo.linux.SeccompProfile.Rule;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class DefaultSeccompTest {
  private static final int ENOSYS = 38;

  @Test
  void whatReachesPastTheContainerIsNotAllowed() {
    assertThat(allowed(Set.of()))
        .doesNotContain(
            "mount",
            "umount2",
            "unshare",
            "setns",
            "init_module",
            "finit_module",
            "delete_module",
            "reboot",
            "swapon",
            "kexec_load",
            "bpf",
            "perf_event_open",
            "ptrace_scope",
            "keyctl",
            "add_key",
            "request_key",
            "io_uring_setup",
            "userfaultfd",
            "open_by_handle_at",
            "chroot",
            "clock_settime",
            "settimeofday",
            "syslog",
            "iopl",
            "acct",
            "pivot_root",
            "quotactl",
            "move_pages",
            "mbind",
            "sethostname",
            "clone3")
        .contains("read", "execve", "futex", "capset", "setresuid", "clone", "prctl", "seccomp");
  }

  @Test
  void capabilitiesOpenWhatTheyAreAbout() {
    assertThat(allowed(Set.of(Capability.CAP_SYS_ADMIN)))
        .contains("mount", "clone3", "unshare", "setns", "bpf");
    assertThat(allowed(Set.of(Capability.CAP_SYS_CHROOT))).contains("chroot");
    assertThat(allowed(Set.of(Capability.CAP_SYS_TIME))).contains("clock_settime");
    assertThat(allowed(EnumSet.allOf(Capability.class)))
        .contains("reboot", "finit_module", "open_by_handle_at", "vhangup");
  }

  @Test
  void clone3IsNotKnownSoThatCloneIsTried() {
    assertThat(rules(Set.of(), "clone3"))
        .containsExactly(
            new Rule(List.of("clone3"), Action.ERRNO, OptionalInt.of(ENOSYS), List.of()));
    assertThat(rules(Set.of(), "clone").getFirst().arguments())
        .singleElement()
        .satisfies(condition -> assertThat(condition.value()).isEqualTo(0x7e020000L));
  }

  @Test
  void socketsOfTwoFamiliesAreLeftOut() {
    assertThat(rules(Set.of(), "socket"))
        .hasSize(3)
        .allSatisfy(rule -> assertThat(rule.arguments()).hasSize(1));
  }

  @Test
  void eachArchitectureHasItsOwn() {
    SeccompProfile x86 = DefaultSeccomp.profile(Set.of(), Architecture.X86_64);
    SeccompProfile arm = DefaultSeccomp.profile(Set.of(), Architecture.AARCH64);
    assertThat(x86.architectures()).containsExactly("x86_64", "x86", "x32");
    assertThat(arm.architectures()).containsExactly("aarch64", "arm");
    assertThat(names(x86)).contains("arch_prctl").doesNotContain("set_tls");
    assertThat(names(arm)).contains("set_tls").doesNotContain("arch_prctl");
    assertThat(x86.defaultAction()).isEqualTo(Action.ERRNO);
  }

  private static List<Rule> rules(Set<Capability> bounding, String name) {
    return DefaultSeccomp.profile(bounding, Architecture.X86_64).rules().stream()
        .filter(rule -> rule.names().contains(name))
        .toList();
  }

  private static Set<String> allowed(Set<Capability> bounding) {
    return names(DefaultSeccomp.profile(bounding, Architecture.X86_64));
  }

  private static Set<String> names(SeccompProfile profile) {
    Set<String> names = new TreeSet<>();
    profile.rules().stream()
        .filter(rule -> rule.action() == Action.ALLOW)
        .forEach(rule -> names.addAll(rule.names()));
    return names;
  }
}
