package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import dev.molo.spec.NamespaceMode;
import dev.molo.spec.SecurityProfile;
import org.junit.jupiter.api.Test;

class CanonicalRequestsTest {
  private final CanonicalRequests codec = new CanonicalRequests();

  @Test
  void sandboxReadsBackEqual() {
    var request = KubeletRequests.runPodSandbox();
    assertThat(codec.sandbox(CanonicalRequests.of(request)))
        .isEqualTo(SandboxMapping.spec(request));
  }

  @Test
  void containerReadsBackEqualWithItsBytes() {
    var request = KubeletRequests.createContainer("a");
    var spec = codec.container(CanonicalRequests.of(request));
    assertThat(spec).isEqualTo(ContainerMapping.spec(request.getConfig()));
    assertThat(spec.envs().get(2).value()).containsExactly(0xff, 0xfe);
    assertThat(spec.security().seccomp()).isEqualTo(SecurityProfile.UNCONFINED);
    assertThat(spec.security().namespaces().pid()).isEqualTo(NamespaceMode.CONTAINER);
    assertThat(spec.security().namespaces().user()).isEmpty();
    assertThat(spec.security().runAsUser()).hasValue(0);
  }

  @Test
  void spellingOfThePodAndItsCopiedConfigurationDoNotCount() {
    var request = KubeletRequests.createContainer("abc");
    assertThat(CanonicalRequests.of(request))
        .isEqualTo(
            CanonicalRequests.of(
                request.toBuilder().setPodSandboxId("abcdef").clearSandboxConfig().build()));
  }

  @Test
  void differenceIsThePathOfTheFirstFieldThatDiffers() {
    var held = KubeletRequests.runPodSandbox();
    var asked = held.toBuilder();
    asked.getConfigBuilder().putLabels("app", "other");
    assertThat(
            codec.sandboxDifference(
                CanonicalRequests.of(held), CanonicalRequests.of(asked.build())))
        .isEqualTo("config.labels");
    asked.getConfigBuilder().setHostname("x");
    assertThat(
            codec.sandboxDifference(
                CanonicalRequests.of(held), CanonicalRequests.of(asked.build())))
        .isEqualTo("config.hostname");

    var container = KubeletRequests.createContainer("a");
    var other = container.toBuilder();
    other.getConfigBuilder().getLinuxBuilder().getSecurityContextBuilder().clearRunAsUser();
    assertThat(
            codec.containerDifference(
                CanonicalRequests.of(container), CanonicalRequests.of(other.build())))
        .isEqualTo("config.linux.security_context.run_as_user");
  }

  @Test
  void tornRecordIsAFaultThatSaysSo() {
    byte[] whole = CanonicalRequests.of(KubeletRequests.runPodSandbox());
    byte[] torn = java.util.Arrays.copyOf(whole, whole.length - 3);
    assertThatThrownBy(() -> codec.sandbox(torn))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("RunPodSandbox");
  }
}
