package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.Program;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.content.Compression;
import dev.molo.image.layer.UnpackLimits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Images that leave the store and come back: archives that others read, and a real registry. The
 * other reader is GNU tar with sha256sum and python, which know nothing of us.
 */
final class ImageTransferIT {
  @TempDir Path directory;
  private TestStores stores;
  private TestRegistry registry;
  private ImageStore store;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    TestStores.needsRegistry();
    stores = new TestStores(directory);
    registry = TestRegistry.start(directory);
    store = open("images", false);
  }

  private ImageStore open(String name, boolean keepBlobs) {
    return stores.start(stores.settings(name, UnpackLimits.standard(), keepBlobs));
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
      registry.close();
    }
  }

  /** Two layers, the upper of which has a file twice. */
  private static TestImage image() {
    byte[] base =
        new TarBytes()
            .add(TarBytes.directory("bin/"))
            .add(TarBytes.file("bin/hello", "hello".repeat(5000)).mode(04755))
            .add(TarBytes.hardlink("bin/again", "bin/hello"))
            .bytes();
    byte[] top =
        new TarBytes()
            .add(TarBytes.file("etc/x", "first"))
            .add(TarBytes.file("etc/x", "second").owner(7, 8))
            .add(TarBytes.whiteout("bin/", "again"))
            .bytes();
    return new TestImage()
        .layer(base, best(base))
        .layer(top, best(top))
        .config("Entrypoint", "/bin/hello");
  }

  /** gzip as we would not do it by default. */
  private static byte[] best(byte[] tar) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (OutputStream gzip = new Compression(Compression.Kind.GZIP, 9).into(out)) {
      gzip.write(tar);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private String ref(String nameAndTag) {
    return registry.address() + "/" + nameAndTag;
  }

  private static Image pull(ImageStore store, String reference) {
    return TestStores.pull(store, reference);
  }

  private ExportedImage export(
      ImageStore from, ExportRequest.Format format, Optional<Compression> compression, Path file)
      throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      return from.export(
              new ExportRequest(List.of(ref("app:1")), format, compression),
              new ExportTarget.Tar(out),
              Cancellation.create())
          .getFirst();
    }
  }

  private static Optional<Compression> as(Compression.Kind kind) {
    return Optional.of(Compression.of(kind));
  }

  /** What somebody who follows the specification finds in an image layout. */
  private static String checkLayout(Path layout) throws Exception {
    String script =
        """
        import hashlib, json, os, sys, gzip, subprocess
        root = sys.argv[1]
        assert json.load(open(root + '/oci-layout'))['imageLayoutVersion'] == '1.0.0'
        def blob(d):
            algorithm, digits = d['digest'].split(':')
            data = open(f'{root}/blobs/{algorithm}/{digits}', 'rb').read()
            assert hashlib.new(algorithm, data).hexdigest() == digits
            assert len(data) == d['size']
            return data
        index = json.load(open(root + '/index.json'))
        for descriptor in index['manifests']:
            manifest = json.loads(blob(descriptor))
            config = json.loads(blob(manifest['config']))
            for layer, diff in zip(manifest['layers'], config['rootfs']['diff_ids'], strict=True):
                data = blob(layer)
                if layer['mediaType'].endswith('gzip'):
                    data = gzip.decompress(data)
                elif layer['mediaType'].endswith('zstd'):
                    data = subprocess.run(['zstd', '-dc'], input=data, capture_output=True, check=True).stdout
                assert 'sha256:' + hashlib.sha256(data).hexdigest() == diff
            print(manifest['config']['digest'], descriptor['digest'], descriptor['annotations']['io.containerd.image.name'],
                descriptor['annotations']['org.opencontainers.image.ref.name'])
        """;
    return Program.output("python3", "-c", script, layout.toString());
  }

  private Path untar(Path tar) throws Exception {
    Path into = Files.createTempDirectory(directory, "untar");
    Program.output("tar", "-xf", tar.toString(), "-C", into.toString());
    return into;
  }

  @Test
  void imageLayoutIsReadByOthersAndKeepsTheId() throws Exception {
    registry.push(image(), "app", "1");
    Image pulled = pull(store, ref("app:1"));
    Path tar = directory.resolve("app.tar");

    ExportedImage exported = export(store, ExportRequest.Format.OCI, Optional.empty(), tar);

    assertThat(exported.id()).isEqualTo(pulled.id());
    assertThat(exported.sameManifest()).isFalse();
    assertThat(checkLayout(untar(tar)).strip())
        .isEqualTo(pulled.id() + " " + exported.digest().orElseThrow() + " " + ref("app:1") + " 1");
    store.remove(ref("app:1"));
    Image back = bringIn(store, tar);
    assertThat(back.id()).isEqualTo(pulled.id());
    assertThat(back.repoTags()).containsExactly(ref("app:1"));
    assertThat(entries("ingest")).isEmpty();
  }

  private static Image bringIn(ImageStore into, Path archive) {
    return TestStores.bringIn(into, archive).getFirst();
  }

  private List<Path> entries(String name) throws IOException {
    try (Stream<Path> all = Files.list(directory.resolve("images").resolve(name))) {
      return all.toList();
    }
  }

  @Test
  void everyCompressionKeepsTheIdAndTheSameOneGivesTheSameBytes() throws Exception {
    registry.push(image(), "app", "1");
    Image pulled = pull(store, ref("app:1"));
    for (Compression.Kind kind : Compression.Kind.values()) {
      Path once = directory.resolve(kind + ".tar");
      Path again = directory.resolve(kind + "-again.tar");
      export(store, ExportRequest.Format.OCI, as(kind), once);
      export(store, ExportRequest.Format.OCI, as(kind), again);
      assertThat(Files.mismatch(once, again)).as(kind.name()).isEqualTo(-1);
      ImageStore other = open("other-" + kind, false);
      try {
        assertThat(bringIn(other, once).id()).isEqualTo(pulled.id());
      } finally {
        other.close();
      }
    }
  }

  /** What we compressed ourselves comes out the same, so that even the manifest survives. */
  @Test
  void manifestOfWhatWasExportedOnceSurvivesTheNextTime() throws Exception {
    registry.push(image(), "app", "1");
    pull(store, ref("app:1"));
    Path first = directory.resolve("first.tar");
    ExportedImage exported = export(store, ExportRequest.Format.OCI, Optional.empty(), first);
    ImageStore other = open("other", false);
    try {
      bringIn(other, first);
      ExportedImage again =
          export(
              other, ExportRequest.Format.OCI, Optional.empty(), directory.resolve("second.tar"));
      assertThat(again.digest()).isEqualTo(exported.digest());
      assertThat(again.sameManifest()).isTrue();
      assertThat(Files.mismatch(first, directory.resolve("second.tar"))).isEqualTo(-1);
    } finally {
      other.close();
    }
  }

  @Test
  void keptBlobsKeepTheManifest() throws Exception {
    TestImage image = image();
    Digest manifest = registry.push(image, "app", "1");
    ImageStore keeping = open("keeping", true);
    try {
      pull(keeping, ref("app:1"));
      ExportedImage exported =
          export(keeping, ExportRequest.Format.OCI, Optional.empty(), directory.resolve("k.tar"));
      assertThat(exported.sameManifest()).isTrue();
      assertThat(exported.digest()).contains(manifest);
      checkLayout(untar(directory.resolve("k.tar")));

      Path blob =
          directory
              .resolve("keeping/layers")
              .resolve(image.diffIds().getFirst().hex().substring(0, 20))
              .resolve("blob");
      Files.write(blob, new byte[10]);
      assertThat(TestStores.verify(keeping, false))
          .extracting(LayerCheck::detail)
          .anyMatch(detail -> detail.contains("the kept blob"));
    } finally {
      keeping.close();
    }
  }

  @Test
  void dockerArchiveHasPlainLayersByTheirDiffIds() throws Exception {
    TestImage image = image();
    registry.push(image, "app", "1");
    Image pulled = pull(store, ref("app:1"));
    Path tar = directory.resolve("docker.tar");
    export(store, ExportRequest.Format.DOCKER, Optional.empty(), tar);

    Path files = untar(tar);
    JsonNode item = new ObjectMapper().readTree(files.resolve("manifest.json").toFile()).get(0);
    assertThat(item.path("RepoTags").path(0).asText()).isEqualTo(ref("app:1"));
    for (int i = 0; i < image.diffIds().size(); i++) {
      byte[] layer = Files.readAllBytes(files.resolve(item.path("Layers").path(i).asText()));
      assertThat(Digest.ofBytes(layer)).isEqualTo(image.diffIds().get(i));
    }
    assertThat(Digest.ofBytes(Files.readAllBytes(files.resolve(item.path("Config").asText()))))
        .isEqualTo(pulled.id().digest());
    store.remove(ref("app:1"));
    assertThat(bringIn(store, tar).id()).isEqualTo(pulled.id());
  }

  @Test
  void directoryIsAnImageLayoutToo() throws Exception {
    registry.push(image(), "app", "1");
    Image pulled = pull(store, ref("app:1"));
    Path layout = directory.resolve("layout");
    ExportRequest request =
        new ExportRequest(List.of(ref("app:1")), ExportRequest.Format.OCI, Optional.empty());
    store.export(request, new ExportTarget.Directory(layout), Cancellation.create());

    assertThat(checkLayout(layout)).startsWith(pulled.id().toString());
    assertThatThrownBy(
            () -> store.export(request, new ExportTarget.Directory(layout), Cancellation.create()))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.FAILED_PRECONDITION));
    store.remove(ref("app:1"));
    assertThat(bringIn(store, layout).id()).isEqualTo(pulled.id());
  }

  @Test
  void severalImagesShareTheirBlobsInOneArchive() throws Exception {
    registry.push(image(), "app", "1");
    registry.push(image().config("Cmd", "other"), "app", "2");
    pull(store, ref("app:1"));
    pull(store, ref("app:2"));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    store.export(
        new ExportRequest(
            List.of(ref("app:1"), ref("app:2"), ref("app:1")),
            ExportRequest.Format.OCI,
            Optional.empty()),
        new ExportTarget.Tar(out),
        Cancellation.create());
    Path tar = Files.write(directory.resolve("both.tar"), out.toByteArray());
    assertThat(checkLayout(untar(tar)).lines()).hasSize(2);
    assertThat(
            Program.output("tar", "-tf", tar.toString())
                .lines()
                .filter(n -> n.startsWith("blobs/")))
        .doesNotHaveDuplicates()
        .hasSize(6);
  }

  /** However many layers there are, and images of them: room is needed for one that is packed. */
  @Test
  void exportPacksOneLayerAtATimeAndEachOnce() throws Exception {
    registry.push(image(), "app", "1");
    registry.push(image().config("Cmd", "other"), "app", "2");
    pull(store, ref("app:1"));
    pull(store, ref("app:2"));
    Set<Path> seen = new HashSet<>();
    List<Integer> atOnce = new ArrayList<>();
    OutputStream watching =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
          }

          @Override
          public void write(byte[] bytes, int offset, int length) throws IOException {
            List<Path> packed = entries("ingest");
            seen.addAll(packed);
            atOnce.add(packed.size());
          }
        };
    store.export(
        new ExportRequest(
            List.of(ref("app:1"), ref("app:2")), ExportRequest.Format.OCI, Optional.empty()),
        new ExportTarget.Tar(watching),
        Cancellation.create());
    assertThat(atOnce).contains(1).allMatch(files -> files <= 1);
    assertThat(seen).hasSize(2);
    assertThat(entries("ingest")).isEmpty();
  }

  @Test
  void damagedLayerIsNeverExported() throws Exception {
    TestImage image = image();
    registry.push(image, "app", "1");
    pull(store, ref("app:1"));
    Path layer =
        directory
            .resolve("images/layers")
            .resolve(image.diffIds().getFirst().hex().substring(0, 20));
    Files.writeString(layer.resolve("fs/bin/hello"), "HELLO".repeat(5000));

    assertThatThrownBy(() ->
            export(store, ExportRequest.Format.OCI, Optional.empty(), directory.resolve("d.tar")))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INTERNAL))
        .hasMessageContainingAll("bin/hello", "--repair");
    assertThat(entries("ingest")).isEmpty();

    // Half an image layout would only be in the next attempt's way.
    Path layout = directory.resolve("new/layout");
    for (Optional<Compression> compression :
        List.of(as(Compression.Kind.NONE), as(Compression.Kind.GZIP))) {
      assertThatThrownBy(() ->
              store.export(
                  new ExportRequest(List.of(ref("app:1")), ExportRequest.Format.OCI, compression),
                  new ExportTarget.Directory(layout),
                  Cancellation.create()))
          .hasMessageContaining("bin/hello");
      assertThat(layout.getParent()).doesNotExist();
    }
  }

  private PushedImage push(ImageStore from, String image, String target) {
    return from.push(
        new PushRequest(image, Optional.of(target), Optional.empty(), RegistryAuth.anonymous()),
        Cancellation.create(),
        _ -> {});
  }

  private static List<PushedLayer.Stage> stages(PushedImage pushed) {
    return pushed.layers().stream().map(PushedLayer::stage).toList();
  }

  @Test
  void pushWithinARegistryMountsAndKeepsTheManifest() {
    Digest manifest = registry.push(image(), "app", "1");
    pull(store, ref("app:1"));

    PushedImage elsewhere = push(store, ref("app:1"), ref("team/copy:2"));
    assertThat(stages(elsewhere)).containsOnly(PushedLayer.Stage.MOUNTED);
    assertThat(elsewhere.image().sameManifest()).isTrue();
    assertThat(elsewhere.image().digest()).contains(manifest);

    PushedImage again = push(store, ref("app:1"), ref("team/copy:3"));
    assertThat(stages(again)).containsOnly(PushedLayer.Stage.PRESENT);
    ImageStore other = open("other", false);
    try {
      assertThat(pull(other, ref("team/copy:3")).repoDigests())
          .containsExactly(ref("team/copy@") + manifest);
    } finally {
      other.close();
    }
  }

  @Test
  void pushElsewhereKeepsTheIdAndSaysThatTheManifestIsNew() throws Exception {
    registry.push(image(), "app", "1");
    Image pulled = pull(store, ref("app:1"));
    try (TestRegistry second = TestRegistry.start(directory)) {
      String target = second.address() + "/app:1";
      PushedImage pushed = push(store, ref("app:1"), target);
      assertThat(stages(pushed)).containsOnly(PushedLayer.Stage.UPLOADED);
      assertThat(pushed.image().sameManifest()).isFalse();
      ImageStore other = open("other", false);
      Image arrived = pull(other, target);
      assertThat(arrived.id()).isEqualTo(pulled.id());
      assertThat(arrived.repoDigests())
          .containsExactly(second.address() + "/app@" + pushed.image().digest().orElseThrow());
      assertThat(entries("ingest")).isEmpty();
    }
  }

  @Test
  void pushOfKeptBlobsKeepsTheManifest() throws Exception {
    Digest manifest = registry.push(image(), "app", "1");
    ImageStore keeping = open("keeping", true);
    try (TestRegistry second = TestRegistry.start(directory)) {
      pull(keeping, ref("app:1"));
      PushedImage pushed = push(keeping, ref("app:1"), second.address() + "/app:1");
      assertThat(stages(pushed)).containsOnly(PushedLayer.Stage.UPLOADED);
      assertThat(pushed.image().digest()).contains(manifest);
    } finally {
      keeping.close();
    }
  }

  @Test
  void importedImageIsPushedAsZstd() throws Exception {
    TestImage made = image();
    Image imported =
        bringIn(
            store, Files.write(directory.resolve("i.tar"), TestArchives.docker(made, "app:v1")));
    List<PushedLayer> told = new ArrayList<>();
    PushedImage pushed =
        store.push(
            new PushRequest(
                imported.id().toString(),
                Optional.of(ref("app:z")),
                as(Compression.Kind.ZSTD),
                RegistryAuth.anonymous()),
            Cancellation.create(),
            told::add);
    assertThat(told)
        .filteredOn(layer -> layer.diffId().equals(made.diffIds().getFirst()))
        .extracting(PushedLayer::stage)
        .startsWith(PushedLayer.Stage.PACKING, PushedLayer.Stage.UPLOADING)
        .endsWith(PushedLayer.Stage.UPLOADED);
    assertThat(pushed.layers())
        .allSatisfy(layer -> assertThat(layer.blob().mediaType()).endsWith("tar+zstd"));
    store.remove("app:v1");
    assertThat(pull(store, ref("app:z")).id()).isEqualTo(made.id());
  }

  @Test
  void bigBlobGoesInChunksAndGoesOnWhereItBroke() throws Exception {
    byte[] noise = new byte[40 << 20];
    new java.util.Random(5).nextBytes(noise);
    TestImage big =
        new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("noise", noise)).bytes());
    Path archive = Files.write(directory.resolve("b.tar"), TestArchives.docker(big, "big:1"));
    bringIn(store, archive);
    try (CuttingProxy proxy = new CuttingProxy(registry.port(), 24 << 20)) {
      String target = "127.0.0.1:" + proxy.port() + "/big:1";
      List<Long> sent = new java.util.concurrent.CopyOnWriteArrayList<>();
      store.push(
          new PushRequest("big:1", Optional.of(target), Optional.empty(), RegistryAuth.anonymous()),
          Cancellation.create(),
          layer -> sent.add(layer.bytes()));
      assertThat(proxy.cuts()).isOne();
      assertThat(proxy.bytesToServer()).isLessThan(2L * noise.length);
      assertThat(sent).contains((long) big.blobs().values().iterator().next().length);
    }
    store.remove("big:1");
    assertThat(pull(store, ref("big:1")).id()).isEqualTo(big.id());
  }

  @Test
  void connectionThatBreaksAtAnyPlaceDoesNotEndAPush() throws Exception {
    bringIn(store, Files.write(directory.resolve("c.tar"), TestArchives.docker(image(), "cut:1")));
    boolean cut = true;
    for (int after = 100; cut; after += 300) {
      try (CuttingProxy proxy = new CuttingProxy(registry.port(), after)) {
        String target = "127.0.0.1:%d/cut-%d:1".formatted(proxy.port(), after);
        PushedImage pushed =
            store.push(
                new PushRequest(
                    "cut:1", Optional.of(target), Optional.empty(), RegistryAuth.anonymous()),
                Cancellation.create(),
                _ -> {});
        assertThat(pushed.layers()).as("cut after %d bytes", after).isNotEmpty();
        cut = proxy.cuts() > 0;
      }
    }
    store.remove("cut:1");
  }

  /** An overlay's upper directory as a container leaves it. */
  private Path upper() throws Exception {
    Path upper = Files.createDirectory(directory.resolve("upper"));
    Program.output(
        "bash",
        "-c",
        """
        set -e; cd "$1"
        mkdir -p new/deep etc; echo hello > new/deep/file; chown 5:6 new/deep/file; chmod 4751 new/deep/file
        ln new/deep/file new/link; ln -s deep/file new/symlink; mkfifo new/fifo; mknod new/dev c 1 3
        touch -d '2001-02-03 04:05:06.123456789' new/deep/file
        mkdir -p "new/$(printf 'long%.0s' $(seq 40))"; printf x > "new/$(printf 'byte-\\377')"
        mkdir bin; mknod bin/again c 0 0
        python3 - <<'EOF'
        import os, socket
        os.setxattr('etc', 'trusted.overlay.opaque', b'y')
        os.setxattr('new/deep/file', 'user.k', b'v\\0\\xff')
        s = socket.socket(socket.AF_UNIX); s.bind('new/socket')
        EOF
        """,
        "-",
        upper.toString());
    return upper;
  }

  @Test
  void commitMakesALayerOfWhatAContainerChanged() throws Exception {
    TestImage made = image();
    registry.push(made, "app", "1");
    Image base = pull(store, ref("app:1"));

    Path upper = upper();
    String before = listing(upper);

    Image committed =
        store.commit(
            new CommitRequest(base.id(), upper, ref("app:changed"), "somebody", "why"),
            Cancellation.create());

    assertThat(committed.repoTags()).containsExactly(ref("app:changed"));
    assertThat(committed.layers()).hasSize(3).startsWith(base.layers().toArray(new Digest[0]));
    assertThat(committed.config().entrypoint()).isEqualTo(base.config().entrypoint());
    Path fs =
        directory
            .resolve("images/layers")
            .resolve(committed.layers().getLast().hex().substring(0, 20))
            .resolve("fs");
    assertThat(listing(fs)).isEqualTo(before).contains("trusted.overlay.opaque", "user.k", "4751");
    assertThat(TestStores.verify(store, false))
        .extracting(LayerCheck::verdict)
        .containsOnly(LayerCheck.Verdict.SOUND);
    assertThat(entries("ingest")).isEmpty();

    PushedImage pushed = push(store, ref("app:changed"), ref("app:changed"));
    assertThat(stages(pushed))
        .containsExactly(
            PushedLayer.Stage.PRESENT, PushedLayer.Stage.PRESENT, PushedLayer.Stage.UPLOADED);
    assertThat(pushed.image().sameManifest()).isTrue();
    store.remove(ref("app:changed"));
    assertThat(pull(store, ref("app:changed")).id()).isEqualTo(committed.id());
  }

  /** What an archive cannot say is not left out in silence. */
  @Test
  void commitRefusesWhatALayerCannotHold() throws Exception {
    registry.push(image(), "app", "1");
    ImageId base = pull(store, ref("app:1")).id();
    Path upper = Files.createDirectory(directory.resolve("upper"));
    for (String makes :
        List.of(
            "touch sub/.wh.passwd",
            "python3 -c 'import os; os.setxattr(\"sub\", \"trusted.overlay.redirect\", b\"/old\")'",
            "touch sub/file; python3 -c 'import os; os.setxattr(\"sub/file\", \"trusted.overlay.metacopy\", b\"\")'")) {
      Program.output(
          "bash", "-c", "cd \"$1\"; rm -rf sub; mkdir sub; " + makes, "-", upper.toString());
      assertThatThrownBy(() ->
              store.commit(
                  new CommitRequest(base, upper, ref("app:2"), "", ""), Cancellation.create()))
          .as(makes)
          .isInstanceOfSatisfying(
              FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.FAILED_PRECONDITION))
          .hasMessageContaining("\"sub");
      assertThat(entries("ingest")).isEmpty();
    }
    assertThat(store.list()).hasSize(1);
  }

  @Test
  void imageOfSeveralNamesIsNotPushedToOneOfThemByChance() throws IOException {
    Image image =
        bringIn(
            store, Files.write(directory.resolve("i.tar"), TestArchives.docker(image(), "app:v1")));
    store.tag("app:v1", ref("app:2"));
    assertThatThrownBy(() ->
            store.push(
                new PushRequest(
                    image.id().toString(),
                    Optional.empty(),
                    Optional.empty(),
                    RegistryAuth.anonymous()),
                Cancellation.create(),
                _ -> {}))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT))
        .hasMessageContainingAll("docker.io/library/app:v1", ref("app:2"));
  }

  /** Everything that can be seen of a tree, with overlayfs's own marks. */
  private static String listing(Path tree) throws Exception {
    return Program.output(
        "bash",
        "-c",
        """
        cd "$1" && find . -mindepth 1 -printf '%p %y %m %U:%G %s %T@ %l %n\\n' | sed -E 's/^(.* d [0-9]+ [0-9:]+) [0-9]+/\\1/' | grep -av -e 'bin/again' -e new/socket | LC_ALL=C sort
        stat -c '%F %t:%T' bin/again
        python3 - <<'EOF'
        import os
        for folder, folders, names in sorted(os.walk('.')):
            for name in sorted(folders + names):
                path = os.path.join(folder, name)
                for attribute in sorted(set(os.listxattr(path, follow_symlinks=False)) - {'trusted.overlay.origin'}):
                    print(ascii(path), attribute, os.getxattr(path, attribute, follow_symlinks=False).hex())
        EOF
        cat new/link
        """,
        "-",
        tree.toString());
  }

  @Test
  void refusedPushNamesRegistryAndReason() throws Exception {
    registry.push(image(), "app", "1");
    pull(store, ref("app:1"));
    assertThatThrownBy(() -> push(store, ref("app:1"), "127.0.0.1:1/app:1"))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.UNAVAILABLE))
        .hasMessageContaining("push 127.0.0.1:1/app:1");
    assertThatThrownBy(() -> push(store, ref("app:1"), ref("app@" + Digest.ofBytes(new byte[0]))))
        .hasMessageContaining("a tag is needed");
    assertThat(entries("ingest")).isEmpty();
  }

  @Test
  void archiveThatWasCutIsToldAsSuch() throws IOException {
    byte[] whole = TestArchives.docker(image(), "app:v1");
    Path cut =
        Files.write(directory.resolve("cut.tar"), java.util.Arrays.copyOf(whole, 9 * 512 + 100));
    assertThatThrownBy(() -> bringIn(store, cut))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT))
        .hasMessageContaining(cut.toString())
        .hasMessageMatching(".*(ends too early|ends in the middle).*");
  }

  @Test
  void unknownImageAndImpossibleLevelAreRefused() {
    assertThatThrownBy(() ->
            export(store, ExportRequest.Format.OCI, Optional.empty(), directory.resolve("n.tar")))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.NOT_FOUND));
    assertThatThrownBy(() -> new Compression(Compression.Kind.GZIP, 10))
        .hasMessageContaining("gzip has 1 to 9");
  }
}
