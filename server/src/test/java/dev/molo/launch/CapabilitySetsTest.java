package dev.molo.launch;

import static dev.molo.linux.Capability.CAP_CHOWN;
import static dev.molo.linux.Capability.CAP_NET_ADMIN;
import static dev.molo.linux.Capability.CAP_NET_BIND_SERVICE;
import static dev.molo.linux.Capability.CAP_NET_RAW;
import static dev.molo.linux.Capability.CAP_SYS_ADMIN;
import static dev.molo.linux.Capability.CAP_SYS_RESOURCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import dev.molo.linux.Capability;
import dev.molo.spec.CapabilityRequest;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CapabilitySetsTest {
  private static final Set<Capability> ALL = EnumSet.allOf(Capability.class);

  @Test
  void theDefaultsAreDockersFourteenAndNothingIsInheritable() {
    CapabilitySets sets = sets(List.of(), List.of(), List.of(), ALL);
    assertThat(sets.bounding()).hasSize(14).contains(CAP_CHOWN).doesNotContain(CAP_SYS_ADMIN);
    assertThat(sets.ambient()).isEmpty();
    assertThat(sets.missing()).isEmpty();
  }

  @Test
  void namesAreTakenInEverySpelling() {
    CapabilitySets sets =
        sets(List.of("NET_ADMIN", "cap_sys_admin"), List.of("Net_Raw"), List.of(), ALL);
    assertThat(sets.bounding())
        .contains(CAP_NET_ADMIN, CAP_SYS_ADMIN)
        .doesNotContain(CAP_NET_RAW)
        .hasSize(15);
  }

  @Test
  void addAllGivesWhatTheDaemonHas() {
    Set<Capability> own = EnumSet.complementOf(EnumSet.of(CAP_SYS_RESOURCE));
    assertThat(sets(List.of("ALL"), List.of(), List.of(), own).bounding()).isEqualTo(own);
    assertThat(sets(List.of("ALL"), List.of("SYS_ADMIN"), List.of(), own).bounding())
        .hasSize(own.size() - 1);
  }

  @Test
  void dropAllLeavesWhatIsAdded() {
    assertThat(sets(List.of(), List.of("ALL"), List.of(), ALL).bounding()).isEmpty();
    assertThat(sets(List.of("NET_BIND_SERVICE"), List.of("ALL"), List.of(), ALL).bounding())
        .containsExactly(CAP_NET_BIND_SERVICE);
    assertThat(sets(List.of("ALL", "CHOWN"), List.of("ALL"), List.of(), ALL).bounding())
        .containsExactly(CAP_CHOWN);
  }

  @Test
  void dropBeatsAdd() {
    assertThat(sets(List.of("NET_ADMIN"), List.of("NET_ADMIN"), List.of(), ALL).bounding())
        .doesNotContain(CAP_NET_ADMIN);
  }

  @Test
  void ambientIsInEverySet() {
    CapabilitySets sets = sets(List.of(), List.of("ALL"), List.of("NET_ADMIN"), ALL);
    assertThat(sets.ambient()).containsExactly(CAP_NET_ADMIN);
    assertThat(sets.bounding()).containsExactly(CAP_NET_ADMIN);
  }

  @Test
  void privilegedHasWhatTheDaemonHas() {
    Specs specs = new Specs();
    specs.privileged = true;
    specs.capabilities = new CapabilityRequest(List.of(), List.of("ALL"), List.of());
    Set<Capability> own = EnumSet.complementOf(EnumSet.of(CAP_SYS_RESOURCE));
    CapabilitySets sets = CapabilitySets.of(specs.security(), Specs.kernel(own).system());
    assertThat(sets.bounding()).isEqualTo(own);
  }

  @Test
  void whatTheDaemonLacksIsRefusedWhenAskedForByName() {
    Set<Capability> own = EnumSet.complementOf(EnumSet.of(CAP_SYS_RESOURCE, CAP_CHOWN));
    assertThatThrownBy(() -> sets(List.of("SYS_RESOURCE"), List.of(), List.of(), own))
        .isInstanceOf(FaultException.class)
        .hasMessage(
            "add_capabilities: CAP_SYS_RESOURCE cannot be given: this daemon does not have it"
                + " itself");
    assertThat(sets(List.of(), List.of(), List.of(), own).missing()).containsExactly("CAP_CHOWN");
  }

  @Test
  void unknownNamesAreRefused() {
    assertThatThrownBy(() -> sets(List.of("SYS_MAGIC"), List.of(), List.of(), ALL))
        .hasMessage("add_capabilities: there is no capability \"SYS_MAGIC\"");
    assertThatThrownBy(() -> sets(List.of(), List.of(""), List.of(), ALL))
        .hasMessageContaining("drop_capabilities");
  }

  private static CapabilitySets sets(
      List<String> add, List<String> drop, List<String> ambient, Set<Capability> own) {
    Specs specs = new Specs();
    specs.capabilities = new CapabilityRequest(add, drop, ambient);
    return CapabilitySets.of(specs.security(), Specs.kernel(own).system());
  }
}
