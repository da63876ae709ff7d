package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.image.content.MediaTypes;
import dev.molo.image.layer.UnpackLimits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The forms of images that a real registry checks when it takes them: Docker's schema 2, and
 * content named by sha512. Debian's docker-registry takes blobs by such a digest and gives them
 * back by it; manifests it knows by sha256 alone.
 */
final class RegistryFormsIT {
  private static final byte[] TAR =
      new TarBytes().add(TarBytes.file("hello", "hello".repeat(5000))).bytes();

  @TempDir Path directory;
  private TestStores stores;
  private TestRegistry registry;
  private TestImage made;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    TestStores.needsRegistry();
    stores = new TestStores(directory);
    registry = TestRegistry.start(directory);
    made = new TestImage().digests(Digest.Algorithm.SHA512).gzipLayer(TAR);
    registry.push(made, "app", "1");
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
      registry.close();
    }
  }

  private String name(String rest) {
    return registry.address() + "/" + rest;
  }

  private ImageStore store(String folder, boolean keepBlobs) {
    return stores.start(stores.settings(folder, UnpackLimits.standard(), keepBlobs));
  }

  private PushedImage push(ImageStore store, String from, String to) {
    return store.push(
        new PushRequest(
            name(from), Optional.of(name(to)), Optional.empty(), RegistryAuth.anonymous()),
        Cancellation.create(),
        _ -> {});
  }

  @Test
  void dockersManifestAndListAreFollowed() throws Exception {
    TestImage mine = new TestImage().docker().gzipLayer(TAR);
    TestImage others = new TestImage().docker().gzipLayer(TAR).architecture("mips64le");
    registry.push(others, "docker", "other");
    registry.push(mine, "docker", "one");
    String list =
        new String(TestImage.index(others, mine), StandardCharsets.UTF_8)
            .replace(MediaTypes.OCI_INDEX, MediaTypes.DOCKER_INDEX);
    Digest digest =
        registry.pushManifest(
            "docker", "list", MediaTypes.DOCKER_INDEX, list.getBytes(StandardCharsets.UTF_8));
    ImageStore store = store("images", true);
    assertThat(TestStores.pull(store, name("docker:one")).id()).isEqualTo(mine.id());
    Image image = TestStores.pull(store, name("docker:list"));
    assertThat(image.id()).isEqualTo(mine.id());
    assertThat(image.repoDigests()).contains(name("docker@" + digest));
    PushedImage pushed = push(store, "docker:list", "copy:1");
    assertThat(pushed.image().sameManifest()).isTrue();
    assertThat(pushed.image().digest()).contains(Digest.ofBytes(mine.manifestBytes()));
    assertThatThrownBy(() -> TestStores.pull(store, name("docker:other")))
        .hasMessageContaining("the image is for linux/mips64le");
  }

  @Test
  void sha512IsPulledPushedAndPulledAgain() throws Exception {
    for (boolean keep : List.of(true, false)) {
      ImageStore store = store("from-" + keep, keep);
      Image image = TestStores.pull(store, name("app:1"));
      assertThat(image.id()).isEqualTo(made.id());
      assertThat(image.layers()).isEqualTo(made.diffIds());
      assertThat(image.repoDigests())
          .containsExactly(name("app@" + Digest.ofBytes(made.manifestBytes())));

      PushedImage there = push(store, "app:1", "app:2");
      assertThat(there.layers())
          .extracting(PushedLayer::stage)
          .containsExactly(PushedLayer.Stage.PRESENT);
      assertThat(there.image().sameManifest()).isTrue();

      String other = "other-" + keep;
      PushedImage pushed = push(store, "app:1", other + ":1");
      assertThat(pushed.layers())
          .extracting(PushedLayer::stage)
          .containsExactly(PushedLayer.Stage.UPLOADED);
      assertThat(pushed.image().sameManifest()).isTrue();
      ImageStore second = store("to-" + keep, false);
      Image again = TestStores.pull(second, name(other + ":1"));
      assertThat(again.id()).isEqualTo(made.id());
      assertThat(again.layers()).isEqualTo(made.diffIds());
      assertThat(TestStores.verify(second, false))
          .extracting(LayerCheck::verdict)
          .containsExactly(LayerCheck.Verdict.SOUND);
    }
  }

  @Test
  void sha512OfAManifestIsNotWhatThisRegistryKnowsItBy() {
    ImageStore store = store("images", false);
    Digest digest = made.digest(made.manifestBytes());
    assertThatThrownBy(() -> TestStores.pull(store, name("app@" + digest)))
        .hasMessageContaining("/v2/app/manifests/" + digest);
    assertThatThrownBy(() ->
            registry.pushManifest("app", digest.toString(), made.mediaType(), made.manifestBytes()))
        .hasMessageContaining("DIGEST_INVALID");
    assertThatThrownBy(() ->
            registry.pushManifest(
                "app", "index", "application/vnd.oci.image.index.v1+json", TestImage.index(made)))
        .hasMessageContaining("unknown");
  }
}
