package dev.molo.image.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.image.Digest;
import dev.molo.image.Platform;
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

  @Test
  void noneFittingListsWhatThereIs() {
    PlatformChoice choice = new PlatformChoice(new Platform("linux", "amd64", ""));
    assertThatThrownBy(() ->
            choice.choose(
                "app", List.of(entry("windows", "amd64", ""), entry("linux", "arm64", "v8"))))
        .hasMessageContaining("app has no image for linux/amd64")
        .hasMessageContaining("windows/amd64, linux/arm64/v8");
    assertThatThrownBy(() -> choice.choose("app", List.of(entry("unknown", "unknown", ""))))
        .hasMessageContaining("no image in it at all");
  }
}
