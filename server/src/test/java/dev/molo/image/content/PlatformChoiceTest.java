package dev.molo.image.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.image.Digest;
import dev.molo.image.Platform;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class PlatformChoiceTest {
  private static Descriptor entry(String os, String architecture, String variant) {
    Digest digest =
        Digest.ofBytes(
            (os + architecture + variant).getBytes(java.nio.charset.StandardCharsets.UTF_8));
    return new Descriptor(
        MediaTypes.OCI_MANIFEST,
        digest,
        1,
        Optional.of(new Platform(os, architecture, variant)),
        List.of(),
        Map.of());
  }

  private static Platform chosen(Platform host, Descriptor... entries) {
    return new PlatformChoice(host).choose("x", List.of(entries)).platform().orElseThrow();
  }

  @Test
  void theNewestVariantThatRunsWins() {
    Platform v7 = new Platform("linux", "arm", "v7");
    assertThat(
            chosen(
                    v7,
                    entry("linux", "arm", "v5"),
                    entry("linux", "arm", "v6"),
                    entry("linux", "arm", "v8"))
                .variant())
        .isEqualTo("v6");
    Platform amd64 = new Platform("linux", "amd64", "");
    assertThat(chosen(amd64, entry("linux", "amd64", "v3"), entry("linux", "amd64", "")).variant())
        .isEmpty();
    Platform arm64 = new Platform("linux", "arm64", "v8");
    assertThat(
            chosen(arm64, entry("linux", "arm", "v7"), entry("linux", "arm64", "")).architecture())
        .isEqualTo("arm64");
  }

  private static String variant(Platform host, String... offered) {
    return chosen(
            host,
            Arrays.stream(offered)
                .map(variant -> entry("linux", host.architecture(), variant))
                .toArray(Descriptor[]::new))
        .variant();
  }

  @Test
  void arm64WithoutAVariantIsV8AndTheOtherWayRound() {
    for (String own : List.of("", "v8")) {
      Platform host = new Platform("linux", "arm64", own);
      assertThat(variant(host, "v9", "")).isEmpty();
      assertThat(variant(host, "v9", "v8")).isEqualTo("v8");
      assertThat(variant(host, "v8", "")).as("equals: the first").isEqualTo("v8");
    }
  }

  @Test
  void armFallsBackToOlderVariantsAndNeverToNewer() {
    Platform v7 = new Platform("linux", "arm", "v7");
    assertThat(variant(v7, "v5", "v6", "v7", "v8")).isEqualTo("v7");
    assertThat(variant(v7, "v5", "v6")).isEqualTo("v6");
    assertThat(variant(v7, "v6", "")).as("none said is v7").isEmpty();
    assertThat(variant(new Platform("linux", "arm", "v6"), "v7", "v5")).isEqualTo("v5");
    PlatformChoice v6 = new PlatformChoice(new Platform("linux", "arm", "v6"));
    assertThatThrownBy(() ->
            v6.choose("app", List.of(entry("linux", "arm", "v7"), entry("linux", "arm64", "v8"))))
        .hasMessage("app has no image for linux/arm/v6; there is linux/arm/v7, linux/arm64/v8");
  }

  @Test
  void amd64TakesTheHighestLevelThatTheProcessorHas() {
    Platform v3 = new Platform("linux", "amd64", "v3");
    assertThat(variant(v3, "", "v2", "v3", "v4")).isEqualTo("v3");
    assertThat(variant(v3, "v4", "", "v2")).isEqualTo("v2");
    assertThat(variant(v3, "v1", "")).as("equals: the first").isEqualTo("v1");
    assertThatThrownBy(() ->
            new PlatformChoice(new Platform("linux", "amd64", ""))
                .choose("app", List.of(entry("linux", "amd64", "v2"))))
        .hasMessage("app has no image for linux/amd64; there is linux/amd64/v2");
  }

  @Test
  void noneFittingListsWhatThereIs() {
    PlatformChoice choice = new PlatformChoice(new Platform("linux", "amd64", ""));
    assertThatThrownBy(() ->
            choice.choose(
                "app", List.of(entry("windows", "amd64", ""), entry("linux", "arm64", "v8"))))
        .hasMessageContaining("app has no image for linux/amd64")
        .hasMessageContaining("windows/amd64, linux/arm64/v8");
    Descriptor said = entry("linux", "amd64", "");
    Descriptor attestation =
        new Descriptor(
            said.mediaType(),
            said.digest(),
            said.size(),
            said.platform(),
            List.of(),
            Map.of("vnd.docker.reference.type", "attestation-manifest"));
    assertThatThrownBy(
            () -> choice.choose("app", List.of(entry("unknown", "unknown", ""), attestation)))
        .hasMessageContaining("no image in it at all");
  }
}
