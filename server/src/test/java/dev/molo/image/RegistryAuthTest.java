package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.Test;

final class RegistryAuthTest {
  private static RegistryAuth of(
      String user, String password, String auth, String server, String identity, String token) {
    return RegistryAuth.of("r.io", user, password, auth, server, identity, token);
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void everyFormOfAuthConfigIsUnderstood() {
    assertThat(of("", "", "", "", "", "")).isEqualTo(RegistryAuth.anonymous());
    assertThat(of("u", "p", "", "", "", "")).isEqualTo(new RegistryAuth.Basic("u", "p"));
    assertThat(of("", "", base64("u:p:q"), "", "", ""))
        .isEqualTo(new RegistryAuth.Basic("u", "p:q"));
    assertThat(of("", "", base64("u:p\0\0"), "", "", ""))
        .isEqualTo(new RegistryAuth.Basic("u", "p"));
    assertThat(of("", "", "", "", "i", "")).isEqualTo(new RegistryAuth.IdentityToken("i"));
    assertThat(of("u", "p", "", "", "i", "t")).isEqualTo(new RegistryAuth.RegistryToken("t"));
  }

  @Test
  void credentialsForAnotherServerAreNotUsed() {
    assertThat(of("u", "p", "", "https://r.io/v2/", "", "")).isInstanceOf(RegistryAuth.Basic.class);
    assertThat(of("u", "p", "", "other.io", "", "")).isEqualTo(RegistryAuth.anonymous());
    assertThat(RegistryAuth.of("docker.io", "u", "p", "", "https://index.docker.io/v1/", "", ""))
        .isInstanceOf(RegistryAuth.Basic.class);
  }

  @Test
  void secretsAreNotShown() {
    assertThat(new RegistryAuth.Basic("u", "s3cret").toString()).doesNotContain("s3cret");
    assertThat(new RegistryAuth.IdentityToken("s3cret").toString()).doesNotContain("s3cret");
    assertThat(new RegistryAuth.RegistryToken("s3cret").toString()).doesNotContain("s3cret");
    assertThatThrownBy(() -> of("", "", "s3cret!", "", "", ""))
        .hasMessageNotContaining("s3cret")
        .hasNoCause();
    assertThatThrownBy(() -> of("", "", base64("s3cret"), "", "", ""))
        .hasMessageNotContaining("s3cret");
    assertThatThrownBy(() -> of("", "", "", "", "", "s3cret\r\nX-Other: y"))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT))
        .hasMessageNotContaining("s3cret")
        .hasNoCause();
  }
}
