package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.cri.v1.SecurityProfile.ProfileType;
import dev.molo.spec.SecurityProfile;
import org.junit.jupiter.api.Test;

class SecurityMappingTest {
  @Test
  void localhostProfileIsNamedWithAndWithoutThePrefixOfTheDeprecatedField() {
    SecurityProfile wanted = new SecurityProfile(SecurityProfile.Kind.LOCALHOST, "my-profile");
    assertThat(localhost("my-profile")).isEqualTo(wanted);
    assertThat(localhost("localhost/my-profile")).isEqualTo(wanted);
    assertThat(deprecated("localhost/my-profile")).isEqualTo(wanted);
  }

  @Test
  void fieldOfTodayCountsBeforeTheDeprecatedOne() {
    dev.molo.cri.v1.SecurityProfile unconfined =
        dev.molo.cri.v1.SecurityProfile.newBuilder().setProfileType(ProfileType.Unconfined).build();
    assertThat(
            SecurityMapping.profile(
                true, unconfined, "localhost/other", SecurityProfile.RUNTIME_DEFAULT, "apparmor"))
        .isEqualTo(SecurityProfile.UNCONFINED);
  }

  private static SecurityProfile localhost(String ref) {
    return SecurityMapping.profile(
        true,
        dev.molo.cri.v1.SecurityProfile.newBuilder()
            .setProfileType(ProfileType.Localhost)
            .setLocalhostRef(ref)
            .build(),
        "",
        SecurityProfile.RUNTIME_DEFAULT,
        "apparmor");
  }

  private static SecurityProfile deprecated(String text) {
    return SecurityMapping.profile(
        false,
        dev.molo.cri.v1.SecurityProfile.getDefaultInstance(),
        text,
        SecurityProfile.UNCONFINED,
        "apparmor");
  }
}
