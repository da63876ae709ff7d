package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.ImageStatusRequest;
import dev.molo.cri.v1.ImageStatusResponse;
import dev.molo.cri.v1.ListImagesRequest;
import dev.molo.cri.v1.RemoveImageRequest;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.ImageStore;
import dev.molo.image.ImageStoreSettings;
import dev.molo.image.LayerUse;
import dev.molo.image.PullRequest;
import dev.molo.image.RegistryAuth;
import dev.molo.image.TarBytes;
import dev.molo.image.TestImage;
import dev.molo.image.TestRegistry;
import dev.molo.image.TestStores;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What CRI says of images, field by field: pulled from a real registry into a real store. */
final class ImageFieldsIT {
  @TempDir Path directory;
  private TestStores stores;
  private TestRegistry registry;
  private ImageStore store;
  private final TestImage kept =
      new TestImage()
          .gzipLayer(new TarBytes().add(TarBytes.file("a", "1")).bytes())
          .gzipLayer(new TarBytes().add(TarBytes.file("b", "2")).bytes())
          .config("Entrypoint", "/bin/app")
          .configText("User", "1000:users");

  private final TestImage other =
      new TestImage()
          .gzipLayer(new TarBytes().add(TarBytes.file("c", "3")).bytes())
          .configText("User", "www-data");

  private Digest keptManifest;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    TestStores.needsRoot();
    assumeTrue(TestRegistry.installed(), "docker-registry is not installed");
    stores = new TestStores(directory);
    registry = TestRegistry.start(directory);
    store = stores.start(settings());
    keptManifest = registry.push(kept, "kept", "v1");
    registry.push(other, "other", "v1");
    pull("kept:v1", Map.of("note", "a word", "example.org/more", ""));
    pull("other:v1", Map.of());
  }

  private ImageStoreSettings settings() {
    ImageStoreSettings standard = ImageStoreSettings.standard(directory.resolve("images"));
    return new ImageStoreSettings(
        standard.root(),
        List.of("*/kept:*"),
        standard.parallelLayers(),
        standard.limits(),
        standard.keepBlobs(),
        standard.platform(),
        standard.admission());
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
    }
    if (registry != null) {
      registry.close();
    }
  }

  private void pull(String name, Map<String, String> annotations) {
    var _ =
        store.pull(
            new PullRequest(ref(name), RegistryAuth.anonymous(), annotations, ""),
            Cancellation.create());
  }

  private String ref(String name) {
    return registry.address() + "/" + name;
  }

  private static ImageSpec spec(String name) {
    return ImageSpec.newBuilder().setImage(name).build();
  }

  private ImageStatusResponse status(String name, boolean verbose) {
    return new ImageStatusCall(store)
        .answer(
            ImageStatusRequest.newBuilder().setImage(spec(name)).setVerbose(verbose).build(), null);
  }

  private List<Image> list(String filter) {
    ListImagesRequest.Builder request = ListImagesRequest.newBuilder();
    request.getFilterBuilder().setImage(spec(filter));
    return new ListImagesCall(store).answer(request.build(), null).getImagesList();
  }

  @Test
  void everyFieldOfAnImageIsToldAlsoAfterARestart() {
    for (int starts = 0; starts < 2; starts++) {
      Image image = status(ref("kept:v1"), false).getImage();
      assertThat(image.getId()).isEqualTo(kept.id().toString());
      assertThat(image.getRepoTagsList()).containsExactly(ref("kept:v1"));
      assertThat(image.getRepoDigestsList()).containsExactly(ref("kept@" + keptManifest));
      assertThat(image.getSize())
          .isEqualTo(
              store.layers().stream()
                  .filter(use -> kept.diffIds().contains(use.diffId()))
                  .mapToLong(LayerUse::bytes)
                  .sum())
          .isPositive();
      assertThat(image.getUid().getValue()).isEqualTo(1000);
      assertThat(image.getUsername()).isEmpty();
      assertThat(image.getSpec().getImage()).isEqualTo(kept.id().toString());
      assertThat(image.getSpec().getAnnotationsMap())
          .isEqualTo(Map.of("note", "a word", "example.org/more", ""));
      assertThat(image.getPinned()).isTrue();

      Image second = status(ref("other:v1"), false).getImage();
      assertThat(second.hasUid()).isFalse();
      assertThat(second.getUsername()).isEqualTo("www-data");
      assertThat(second.getPinned()).isFalse();
      store.close();
      store = stores.start(settings());
    }
  }

  @Test
  void patternOfPinnedImagesFollowsTheirTags() {
    store.tag(ref("other:v1"), ref("kept:too"));
    assertThat(status(ref("other:v1"), false).getImage().getPinned()).isTrue();
    store.untag(ref("kept:too"));
    assertThat(status(ref("other:v1"), false).getImage().getPinned()).isFalse();
  }

  @Test
  void filterTakesEveryNameOfAnImage() {
    String id = kept.id().toString();
    for (String name :
        List.of(ref("kept:v1"), ref("kept@" + keptManifest), id, id.substring(7, 19))) {
      assertThat(list(name)).as(name).extracting(Image::getId).containsExactly(id);
    }
    assertThat(list(ref("kept:v2"))).isEmpty();
    assertThat(list("no such/Reference")).isEmpty();
    assertThat(list("")).hasSize(2).isEqualTo(list(""));
  }

  @Test
  void verboseStatusHasTheConfiguration() {
    assertThat(status(ref("kept:v1"), false).getInfoMap()).isEmpty();
    assertThat(status(ref("kept:v1"), true).getInfoMap().get("info"))
        .contains(
            "\"Entrypoint\":[\"/bin/app\"]",
            "\"User\":\"1000:users\"",
            kept.diffIds().get(0).toString(),
            kept.diffIds().get(1).toString(),
            "\"created\":\"2024-05-06T07:08:09.123456789Z\"");
  }

  /** As the kubelet expects. */
  @Test
  void oneTagRemovedTakesAllTagsOfTheImage() {
    store.tag(ref("kept:v1"), ref("kept:v2"));
    var _ =
        new RemoveImageCall(store)
            .answer(RemoveImageRequest.newBuilder().setImage(spec(ref("kept:v2"))).build(), null);
    assertThat(status(ref("kept:v1"), false).hasImage()).isFalse();
    assertThat(list("")).extracting(Image::getId).containsExactly(other.id().toString());
  }
}
