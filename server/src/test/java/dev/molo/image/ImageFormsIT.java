package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.luben.zstd.Zstd;
import com.sun.net.httpserver.HttpExchange;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.layer.UnpackLimits;
import dev.molo.image.registry.ScriptedRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images in the rarer forms that the specifications allow, from the registry to the files. */
final class ImageFormsIT {
  private static final byte[] TAR =
      new TarBytes()
          .add(TarBytes.directory("bin/"))
          .add(TarBytes.file("bin/hello", "hello".repeat(5000)).mode(0755))
          .bytes();

  private static final byte[] TAR2 = new TarBytes().add(TarBytes.file("etc", "etc")).bytes();

  @TempDir Path directory;
  private TestStores stores;
  private ImageStore store;

  @BeforeEach
  void start() {
    TestStores.needsRoot();
    stores = new TestStores(directory);
    store = stores.start();
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
    }
  }

  /** Serves an image whatever its digests are, which docker-registry would not. */
  private static ScriptedRegistry serving(TestImage image) throws IOException {
    ScriptedRegistry registry = new ScriptedRegistry();
    byte[] manifest = image.manifestBytes();
    for (String name : List.of("v1", image.digest(manifest).toString())) {
      registry.on(
          "/v2/app/manifests/" + name,
          e -> {
            e.getResponseHeaders().add("Content-Type", image.mediaType());
            ScriptedRegistry.reply(e, 200, manifest);
          });
    }
    for (Map.Entry<Digest, byte[]> blob : image.blobs().entrySet()) {
      registry.on(
          "/v2/app/blobs/" + blob.getKey(), e -> ScriptedRegistry.reply(e, 200, blob.getValue()));
    }
    return registry;
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  private void holdsHello(Image image) throws IOException {
    try (LayerLease lease = store.acquire(image.id(), "test")) {
      assertThat(lease.root().resolve(lease.lowerDirs().getLast()).resolve("bin/hello"))
          .content()
          .isEqualTo("hello".repeat(5000));
    }
  }

  private void export(Image image, ExportTarget target) {
    store.export(
        new ExportRequest(
            List.of(image.id().toString()), ExportRequest.Format.OCI, Optional.empty()),
        target,
        Cancellation.create());
  }

  @Test
  void sha512DigestsArePulledStoredAndRebuilt() throws Exception {
    TestImage made = new TestImage().digests(Digest.Algorithm.SHA512).gzipLayer(TAR);
    Digest manifest = made.digest(made.manifestBytes());
    assertThat(made.diffIds().getFirst().algorithm()).isEqualTo(Digest.Algorithm.SHA512);
    Image image;
    try (ScriptedRegistry registry = serving(made)) {
      image = TestStores.pull(store, registry.address() + "/app@" + manifest);
      assertThat(image.id()).isEqualTo(made.id());
      assertThat(image.repoDigests()).containsExactly(registry.address() + "/app@" + manifest);
      assertThat(TestStores.pull(store, registry.address() + "/app:v1").id()).isEqualTo(made.id());
    }
    holdsHello(image);
    assertThat(store.find(image.id().toString())).isPresent();
    store.close();
    store = stores.start();
    assertThat(store.find(image.id().toString())).as("after a restart").isPresent();
    assertThat(TestStores.verify(store, false))
        .hasSize(1)
        .allMatch(check -> check.verdict() == LayerCheck.Verdict.SOUND);

    Path archive = directory.resolve("made-again.tar");
    try (OutputStream out = Files.newOutputStream(archive)) {
      export(image, new ExportTarget.Tar(out));
    }
    ImageStore other = stores.start(stores.settings("other"));
    assertThat(TestStores.bringIn(other, archive))
        .extracting(Image::id)
        .containsExactly(image.id());
  }

  /** Each digest is checked by its own function, whatever the others are. */
  @Test
  void digestsOfBothKindsStandSideBySide() throws Exception {
    Digest.Algorithm sha256 = Digest.Algorithm.SHA256;
    Digest.Algorithm sha512 = Digest.Algorithm.SHA512;
    for (boolean keep : List.of(false, true)) {
      ImageStore own = stores.start(stores.settings("both-" + keep, UnpackLimits.standard(), keep));
      TestImage blobs = new TestImage().digests(sha512, sha256).gzipLayer(TAR).layer(TAR2, TAR2);
      TestImage plain = new TestImage().digests(sha256, sha512).gzipLayer(TAR).layer(TAR2, TAR2);
      for (TestImage made : List.of(blobs, plain)) {
        Image image;
        try (ScriptedRegistry registry = serving(made)) {
          image = TestStores.pull(own, registry.address() + "/app:v1");
        }
        assertThat(image.id()).isEqualTo(made.id());
        assertThat(image.layers()).isEqualTo(made.diffIds());
        Path archive = directory.resolve("both.tar");
        try (OutputStream out = Files.newOutputStream(archive)) {
          List<ExportedImage> exported =
              own.export(
                  new ExportRequest(
                      List.of(image.id().toString()), ExportRequest.Format.OCI, Optional.empty()),
                  new ExportTarget.Tar(out),
                  Cancellation.create());
          assertThat(exported.getFirst().sameManifest()).isEqualTo(keep);
        }
        ImageStore other = stores.start(stores.settings("other-" + keep + made.id()));
        assertThat(TestStores.bringIn(other, archive))
            .extracting(Image::id)
            .containsExactly(made.id());
        assertThat(TestStores.verify(other, false))
            .hasSize(2)
            .allMatch(check -> check.verdict() == LayerCheck.Verdict.SOUND);
      }
      assertThat(TestStores.verify(own, false))
          .hasSize(4)
          .allMatch(check -> check.verdict() == LayerCheck.Verdict.SOUND);
    }
  }

  /** docker save has no place for digests but the names of its files. */
  @Test
  void sha512IdSurvivesADockerArchive() throws Exception {
    TestImage made = new TestImage().digests(Digest.Algorithm.SHA512).gzipLayer(TAR);
    Image image;
    try (ScriptedRegistry registry = serving(made)) {
      image = TestStores.pull(store, registry.address() + "/app:v1");
    }
    Path archive = directory.resolve("docker.tar");
    try (OutputStream out = Files.newOutputStream(archive)) {
      store.export(
          new ExportRequest(
              List.of(image.id().toString()), ExportRequest.Format.DOCKER, Optional.empty()),
          new ExportTarget.Tar(out),
          Cancellation.create());
    }
    ImageStore other = stores.start(stores.settings("other"));
    assertThat(TestStores.bringIn(other, archive)).extracting(Image::id).containsExactly(made.id());
  }

  @Test
  void anIndexOfSha512DescriptorsIsFollowed() throws Exception {
    TestImage mine = new TestImage().digests(Digest.Algorithm.SHA512).gzipLayer(TAR);
    TestImage others =
        new TestImage().digests(Digest.Algorithm.SHA512).gzipLayer(TAR).architecture("mips64le");
    byte[] index = TestImage.index(others, mine);
    Digest digest = Digest.ofBytes(Digest.Algorithm.SHA512, index);
    try (ScriptedRegistry registry = serving(mine)) {
      registry.on("/v2/app/manifests/" + digest, e -> index(e, index, Optional.empty()));
      // The registry's own word says by which function it finds the document again.
      registry.on("/v2/app/manifests/tag", e -> index(e, index, Optional.of(digest)));
      registry.on("/v2/app/manifests/unsaid", e -> index(e, index, Optional.empty()));
      registry.on(
          "/v2/app/manifests/lie",
          e -> index(e, index, Optional.of(mine.digest(mine.manifestBytes()))));
      String app = registry.address() + "/app";
      Image image = TestStores.pull(store, app + "@" + digest);
      assertThat(image.id()).isEqualTo(mine.id());
      assertThat(image.repoDigests()).containsExactly(app + "@" + digest);
      store.remove(image.id().toString());
      assertThat(TestStores.pull(store, app + ":tag").repoDigests())
          .containsExactly(app + "@" + digest);
      store.remove(image.id().toString());
      assertThat(TestStores.pull(store, app + ":unsaid").repoDigests())
          .containsExactly(app + "@" + Digest.ofBytes(index));
      assertThatThrownBy(() -> TestStores.pull(store, app + ":lie"))
          .hasMessageContainingAll("gave content of digest " + digest, "instead of sha512:");
    }
  }

  private static void index(HttpExchange exchange, byte[] index, Optional<Digest> stated)
      throws IOException {
    exchange.getResponseHeaders().add("Content-Type", "application/vnd.oci.image.index.v1+json");
    stated.ifPresent(
        digest -> exchange.getResponseHeaders().add("Docker-Content-Digest", digest.toString()));
    ScriptedRegistry.reply(exchange, 200, index);
  }

  @Test
  void manifestThatIsNotAsLongAsItsIndexSaysIsRefused() throws Exception {
    TestImage made = new TestImage().gzipLayer(TAR);
    int length = made.manifestBytes().length;
    byte[] index =
        new String(TestImage.index(made), StandardCharsets.UTF_8)
            .replace("\"size\":" + length, "\"size\":" + (length + 1))
            .getBytes(StandardCharsets.UTF_8);
    try (ScriptedRegistry registry = serving(made)) {
      registry.on("/v2/app/manifests/index", e -> index(e, index, Optional.empty()));
      assertThatThrownBy(() -> TestStores.pull(store, registry.address() + "/app:index"))
          .hasMessageContaining("has %d bytes, the index says %d".formatted(length, length + 1));
    }
  }

  @Test
  void contentOfAnotherSha512DigestIsRefused() throws Exception {
    TestImage made = new TestImage().digests(Digest.Algorithm.SHA512).gzipLayer(TAR);
    byte[] wrong = TarBytes.gzip(TAR);
    wrong[4] ^= 1;
    try (ScriptedRegistry registry = serving(made)) {
      registry.on(
          "/v2/app/blobs/" + TestImages.layerDigest(made, 0),
          e -> ScriptedRegistry.reply(e, 200, wrong));
      assertThatThrownBy(() -> TestStores.pull(store, registry.address() + "/app:v1"))
          .hasMessageContaining("sha512:");
      assertThat(store.layers()).isEmpty();
    }
  }

  @Test
  void unknownDigestAlgorithmsAreRefusedWhereverTheyStand() throws Exception {
    String unknown = "sha384:" + "0".repeat(96);
    TestImage made = new TestImage().gzipLayer(TAR);
    String manifest = new String(made.manifestBytes(), StandardCharsets.UTF_8);
    String config = new String(made.configBytes(), StandardCharsets.UTF_8);
    String layer = TestImages.layerDigest(made, 0);
    try (ScriptedRegistry registry = serving(made)) {
      String reference = registry.address() + "/app:v1";
      for (String bad :
          List.of(
              manifest.replace(layer, unknown), manifest.replace(made.id().toString(), unknown))) {
        registry.on("/v2/app/manifests/v1", e -> ScriptedRegistry.reply(e, 200, bad));
        refused(reference);
      }
      String badConfig = config.replace(made.diffIds().getFirst().toString(), unknown);
      byte[] bytes = badConfig.getBytes(StandardCharsets.UTF_8);
      String named =
          manifest
              .replace(made.id().toString(), Digest.ofBytes(bytes).toString())
              .replace("\"size\":" + config.length() + ",", "\"size\":" + bytes.length + ",");
      registry.on("/v2/app/manifests/v1", e -> ScriptedRegistry.reply(e, 200, named));
      registry.on(
          "/v2/app/blobs/" + Digest.ofBytes(bytes), e -> ScriptedRegistry.reply(e, 200, bytes));
      refused(reference);
      refused(registry.address() + "/app@" + unknown);
    }
  }

  private void refused(String reference) {
    assertThatThrownBy(() -> TestStores.pull(store, reference))
        .isInstanceOfSatisfying(
            FaultException.class,
            e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(Fault.INVALID_ARGUMENT))
        .hasMessageContaining("an algorithm other than sha256 and sha512");
  }

  /** Its URLs are for layers that registries are not meant to have. */
  @Test
  void urlsOfAnOrdinaryLayerAreNotLookedAt() throws Exception {
    TestImage made = new TestImage().gzipLayer(TAR);
    try (ScriptedRegistry elsewhere = new ScriptedRegistry()) {
      ObjectNode layer = made.lastLayer();
      layer.putArray("urls").add("http://" + elsewhere.address() + "/layer");
      try (ScriptedRegistry registry = serving(made)) {
        registry.on(
            "/v2/app/blobs/" + TestImages.layerDigest(made, 0),
            e -> ScriptedRegistry.reply(e, 404, "gone"));
        assertThatThrownBy(() -> TestStores.pull(store, registry.address() + "/app:v1"))
            .hasMessageContaining("404");
      }
      assertThat(elsewhere.asked()).isEmpty();
    }
  }

  @Test
  void urlOfANonDistributableLayerHasToBeBehindTls() throws Exception {
    TestImage made = TestImages.foreign(TAR, "http://layers.example/layer");
    try (ScriptedRegistry registry = serving(made)) {
      registry.on(
          "/v2/app/blobs/" + TestImages.layerDigest(made, 0),
          e -> ScriptedRegistry.reply(e, 404, "not here"));
      assertThatThrownBy(() -> TestStores.pull(store, registry.address() + "/app:v1"))
          .hasMessageContainingAll("http://layers.example:80/layer", "not behind https");
    }
  }

  @Test
  void layersOfSeveralMembersAndFramesArePulled() throws Exception {
    byte[] begin = Arrays.copyOf(TAR, 700);
    byte[] end = Arrays.copyOfRange(TAR, 700, TAR.length);
    TestImage gzip =
        new TestImage()
            .layer(TAR, join(TarBytes.gzip(begin), TarBytes.gzip(new byte[0]), TarBytes.gzip(end)));
    byte[] skippable = {0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7};
    TestImage zstd =
        new TestImage().layer(TAR, join(Zstd.compress(begin), skippable, Zstd.compress(end)));
    zstd.lastLayer().put("mediaType", "application/vnd.oci.image.layer.v1.tar+zstd");
    for (TestImage made : List.of(gzip, zstd)) {
      try (ScriptedRegistry registry = serving(made)) {
        String reference = registry.address() + "/app:v1";
        holdsHello(TestStores.pull(store, reference));
        store.remove(reference);
      }
    }
  }

  /** As build tools make them of instructions that change nothing. */
  @Test
  void theSameLayerTwiceAndEmptyLayersAreKeptOnceAndRebuiltAsTheyWere() throws Exception {
    byte[] empty = new TarBytes().bytes();
    TestImage made =
        new TestImage().gzipLayer(TAR).gzipLayer(empty).gzipLayer(TAR).gzipLayer(empty);
    Image image;
    try (ScriptedRegistry registry = serving(made)) {
      image = TestStores.pull(store, registry.address() + "/app:v1");
      for (int layer : List.of(0, 1)) {
        assertThat(registry.asked("/v2/app/blobs/" + TestImages.layerDigest(made, layer)))
            .hasSize(1);
      }
    }
    assertThat(image.id()).isEqualTo(made.id());
    assertThat(store.layers()).hasSize(2);
    try (LayerLease lease = store.acquire(image.id(), "test")) {
      assertThat(lease.lowerDirs()).hasSize(2).doesNotHaveDuplicates();
    }
    holdsHello(image);
    Path layout = directory.resolve("layout");
    export(image, new ExportTarget.Directory(layout));
    ImageStore other = stores.start(stores.settings("other"));
    assertThat(TestStores.bringIn(other, layout)).extracting(Image::id).containsExactly(image.id());
    assertThat(other.layers()).hasSize(2);
  }
}
