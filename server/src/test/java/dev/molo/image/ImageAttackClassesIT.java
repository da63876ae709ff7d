package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.content.Content;
import dev.molo.image.layer.UnpackLimits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The classes of attack on image stores, from the archive or registry down to the disk. */
final class ImageAttackClassesIT {
  private static final long GIB = 1L << 30;

  @TempDir Path directory;
  private TestStores stores;
  private ImageStore store;

  @BeforeEach
  void start() throws IOException {
    TestStores.needsRoot();
    stores = new TestStores(directory);
    store =
        stores.start(stores.settings("images", new UnpackLimits(64L << 20, 50_000, 2000), false));
    Files.createDirectory(directory.resolve("victim"));
    Files.writeString(directory.resolve("victim/file"), "untouched");
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
    }
  }

  private FaultException refused(TestImage image) throws Exception {
    Path archive = Files.write(directory.resolve("a.tar"), TestArchives.oci(image, "app:1"));
    FaultException[] told = new FaultException[1];
    assertThatThrownBy(() -> TestStores.bringIn(store, archive))
        .isInstanceOfSatisfying(FaultException.class, e -> told[0] = e);
    assertThat(store.list()).isEmpty();
    assertThat(store.layers()).isEmpty();
    for (String name : List.of("ingest", "layers")) {
      try (Stream<Path> left = Files.list(directory.resolve("images").resolve(name))) {
        assertThat(left.map(p -> p.getFileName().toString()))
            .allMatch(n -> name.equals("layers") && n.equals("empty"));
      }
    }
    assertThat(directory.resolve("victim/file")).hasContent("untouched");
    try (Stream<Path> there = Files.list(directory.resolve("victim"))) {
      assertThat(there).hasSize(1);
    }
    return told[0];
  }

  /** Unpack traversal: CVE-2025-47290, CVE-2021-32760. */
  @Test
  void unpackTraversalTouchesNothingOutside() throws Exception {
    List<TarBytes> archives =
        List.of(
            new TarBytes().add(TarBytes.file("../../../victim/file", "evil")),
            new TarBytes()
                .add(TarBytes.symlink("v", directory.resolve("victim").toString()))
                .add(TarBytes.hardlink("l", "v/file")),
            new TarBytes().add(TarBytes.whiteout("../../../victim/", "file")),
            new TarBytes().add(TarBytes.hardlink("l", "../../../victim/file")));
    for (TarBytes archive : archives) {
      assertThat(refused(new TestImage().gzipLayer(archive.bytes())).getMessage())
          .contains("entry \"");
    }
    TarBytes below =
        new TarBytes()
            .add(TarBytes.symlink("v", directory.resolve("victim").toString()))
            .add(TarBytes.file("v/file", "evil"));
    Path kept =
        Files.write(
            directory.resolve("b.tar"),
            TestArchives.oci(new TestImage().gzipLayer(below.bytes()), "app:1"));
    store.importArchive(
        new ImportRequest(kept, Optional.empty()), Cancellation.create(), PullListener.none());
    assertThat(directory.resolve("victim/file")).hasContent("untouched");
  }

  /** Decompression bombs: CVE-2023-25153, CVE-2025-58183. */
  @Test
  void decompressionBombsStopEarly() throws Exception {
    for (boolean zstd : List.of(false, true)) {
      ByteArrayOutputStream bomb = new ByteArrayOutputStream();
      try (OutputStream out =
          zstd ? new ZstdOutputStreamNoFinalizer(bomb, 3) : new GZIPOutputStream(bomb)) {
        out.write(TarBytes.header("zeros", '0', 0644, 0, 0, 3 * GIB, 0, "", 0, 0));
        byte[] zeros = new byte[1 << 20];
        for (int i = 0; i < 100; i++) {
          out.write(zeros);
        }
      }
      FaultException told = refused(new TestImage().layer(new byte[1], bomb.toByteArray()));
      assertThat(told.getMessage()).containsAnyOf("bytes that are allowed", "bomb");
    }
  }

  /** Big enough by itself, and of a few kilobytes. */
  @Test
  void ratioOfABombIsNoticedBeforeItsEnd() throws Exception {
    store =
        stores.start(stores.settings("images", new UnpackLimits(64 * GIB, 50_000, 5000), false));
    ByteArrayOutputStream bomb = new ByteArrayOutputStream();
    try (OutputStream out = new ZstdOutputStreamNoFinalizer(bomb, 3)) {
      out.write(TarBytes.header("zeros", '0', 0644, 0, 0, 2 * GIB, 0, "", 0, 0));
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < 1100; i++) {
        out.write(zeros);
      }
    }
    assertThat(refused(new TestImage().layer(new byte[1], bomb.toByteArray())).getMessage())
        .contains("more than 5000 times its size: refused as a decompression bomb");
  }

  @Test
  void endlessPaddingIsABombToo() throws Exception {
    ByteArrayOutputStream bomb = new ByteArrayOutputStream();
    try (OutputStream out = new ZstdOutputStreamNoFinalizer(bomb, 3)) {
      out.write(new TarBytes().add(TarBytes.file("a", "1")).bytes());
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < 200; i++) {
        out.write(zeros);
      }
    }
    assertThat(refused(new TestImage().layer(new byte[1], bomb.toByteArray())).getMessage())
        .containsAnyOf("bomb", "longer than");
  }

  @Test
  void millionsOfEntriesAreRefused() throws Exception {
    TarBytes many = new TarBytes();
    for (int i = 0; i < 50_001; i++) {
      many.add(TarBytes.directory("d" + i));
    }
    assertThat(refused(new TestImage().gzipLayer(many.bytes())).getMessage())
        .contains("more than the 50000 entries");
  }

  /** Manifest ambiguity: GHSA-5j5w-g665-5m35. One document, read as two things by two readers. */
  @Test
  void manifestAmbiguityIsRefused() throws Exception {
    TestImage image = new TestImage().gzipLayer(new TarBytes().bytes());
    String manifest = new String(image.manifestBytes(), StandardCharsets.UTF_8);
    String body = manifest.substring(1);
    for (String ambiguous :
        List.of(
            "{\"manifests\":[]," + body,
            "{\"layers\":[]," + body,
            "{\"config\":{}," + body,
            "{\"mediaType\":\"application/vnd.oci.image.index.v1+json\"," + body,
            manifest + "{}",
            "{\"Layers\":[],\"fsLayers\":[]," + body)) {
      assertThatThrownBy(() ->
              dev.molo.image.content.ManifestDocument.parse(
                  Digest.ofBytes(ambiguous.getBytes(StandardCharsets.UTF_8)),
                  image.mediaType(),
                  Content.of(ambiguous.getBytes(StandardCharsets.UTF_8)).bytes()))
          .as(ambiguous)
          .isInstanceOfSatisfying(
              FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT));
    }
  }
}
