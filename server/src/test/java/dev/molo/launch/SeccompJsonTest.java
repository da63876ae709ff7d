package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import dev.molo.linux.Capability;
import dev.molo.linux.SeccompProfile;
import dev.molo.linux.SeccompProfile.Action;
import dev.molo.linux.SeccompProfile.Argument;
import dev.molo.linux.SeccompProfile.Comparison;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SeccompJsonTest {
  @Test
  void ocisFormatIsReadInFull() {
    SeccompJson.Parsed parsed =
        parse(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
             "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
             "flags": ["SECCOMP_FILTER_FLAG_LOG"],
             "syscalls": [
               {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
               {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
                "args": [{"index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_EQ"}]},
               {"names": ["clone"], "action": "SCMP_ACT_KILL_PROCESS", "errnoRet": 1,
                "args": [{"index": 0, "value": 2114060288, "valueTwo": 7,
                          "op": "SCMP_CMP_MASKED_EQ"}]}]}
            """,
            Set.of());
    SeccompProfile profile = parsed.profile();
    assertThat(parsed.flags()).isEqualTo(2);
    assertThat(profile.defaultAction()).isEqualTo(Action.ERRNO);
    assertThat(profile.defaultErrno()).isEqualTo(OptionalInt.of(38));
    assertThat(profile.architectures()).containsExactly("x86_64", "x32");
    assertThat(profile.rules()).hasSize(3);
    assertThat(profile.rules().get(1).arguments())
        .containsExactly(new Argument(0, Comparison.EQUAL, -1, 0));
    assertThat(profile.rules().get(2).arguments())
        .containsExactly(new Argument(0, Comparison.MASKED_EQUAL, 2_114_060_288L, 7));
  }

  @Test
  void dockersConditionsDependOnCapabilitiesAndKernel() {
    String json =
        """
        {"defaultAction": "SCMP_ACT_ERRNO",
         "syscalls": [
           {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
           {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
           {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
           {"names": ["future"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "99.0"}},
           {"names": ["s390"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}}]}
        """;
    assertThat(parse(json, Set.of()).profile().rules())
        .extracting(rule -> rule.names().getFirst())
        .containsExactly("clone", "ptrace");
    assertThat(parse(json, Set.of(Capability.CAP_SYS_ADMIN)).profile().rules())
        .extracting(rule -> rule.names().getFirst())
        .containsExactly("mount", "ptrace");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{",
        "{}",
        "{\"defaultAction\": \"ALLOW\"}",
        "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/x\"}",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"NEW\"]}",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": {}}",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"action\": \"SCMP_ACT_LOG\"}]}",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"a b\"], \"action\": \"SCMP_ACT_LOG\"}]}",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"a\"], \"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\": 6, \"value\": 0, \"op\": \"SCMP_CMP_EQ\"}]}]}",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"a\"], \"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\": 0, \"value\": -1, \"op\": \"SCMP_CMP_EQ\"}]}]}",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"a\"], \"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\": 0, \"value\": 18446744073709551616, \"op\": \"SCMP_CMP_EQ\"}]}]}"
      })
  void whatCannotBeHonouredInFullIsRefusedWithTheFilesName(String json) {
    assertThatThrownBy(() -> parse(json, Set.of()))
        .isInstanceOf(FaultException.class)
        .hasMessageStartingWith("seccomp profile /p.json");
  }

  @Test
  void deepNestingIsRefused() {
    assertThatThrownBy(() -> parse("[".repeat(100_000), Set.of()))
        .isInstanceOf(FaultException.class);
  }

  @Property
  void anyTextIsAProfileOrARefusal(@ForAll String text) {
    try {
      parse(text, Set.of());
    } catch (FaultException refused) {
      assertThat(refused).hasMessageStartingWith("seccomp profile /p.json");
    }
  }

  private static SeccompJson.Parsed parse(String json, Set<Capability> bounding) {
    return SeccompJson.parse(
        "/p.json", json.getBytes(StandardCharsets.UTF_8), bounding, Specs.kernel().system());
  }
}
