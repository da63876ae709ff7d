package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.cri.v1.ImageFsInfoRequest;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.ImageStatusRequest;
import dev.molo.cri.v1.ListImagesRequest;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.ImageStore;
import dev.molo.image.ImportRequest;
import dev.molo.image.PullListener;
import dev.molo.image.TarBytes;
import dev.molo.image.TestImage;
import dev.molo.image.TestStores;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node with 500 images answers the kubelet from memory. Measured in the processor's time. */
final class ManyImagesIT {
  private static final int IMAGES = 500;

  @TempDir Path directory;

  @Test
  void fiveHundredImagesAreListedAndCountedFromMemory() throws Exception {
    TestStores.needsRoot();
    try (TestStores stores = new TestStores(directory)) {
      ImageStore store = stores.start();
      store.importArchive(
          new ImportRequest(layout(), Optional.empty()),
          Cancellation.create(),
          PullListener.none());
      assertThat(store.list()).hasSize(IMAGES);

      double list =
          medianMillis(() ->
              new ListImagesCall(store)
                  .answer(ListImagesRequest.getDefaultInstance(), null)
                  .toByteArray());
      double usage =
          medianMillis(() ->
              new ImageFsInfoCall(store)
                  .answer(ImageFsInfoRequest.getDefaultInstance(), null)
                  .toByteArray());
      ImageStatusRequest one =
          ImageStatusRequest.newBuilder()
              .setImage(ImageSpec.newBuilder().setImage("example.org/app:77"))
              .build();
      double status =
          medianMillis(() -> new ImageStatusCall(store).answer(one, null).toByteArray());
      System.out.printf(
          "500 images: ListImages %.3f ms, ImageFsInfo %.3f ms, ImageStatus %.3f ms (CPU)%n",
          list, usage, status);
      assertThat(list).isLessThan(5);
      assertThat(usage).isLessThan(2);
      assertThat(status).isLessThan(2);
    }
  }

  private static double medianMillis(Supplier<byte[]> work) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    double[] millis = new double[101];
    for (int i = 0; i < millis.length; i++) {
      long began = threads.getCurrentThreadCpuTime();
      byte[] answer = work.get();
      millis[i] = (threads.getCurrentThreadCpuTime() - began) / 1e6;
      assertThat(answer).isNotEmpty();
    }
    Arrays.sort(millis);
    return millis[millis.length / 2];
  }

  /** An image layout of images that share their one layer. */
  private Path layout() throws Exception {
    Path layout = Files.createDirectories(directory.resolve("layout"));
    Files.createDirectories(layout.resolve("blobs/sha256"));
    Files.writeString(layout.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    byte[] tar = new TarBytes().add(TarBytes.file("a", "1")).bytes();
    List<String> manifests = new ArrayList<>();
    for (int i = 0; i < IMAGES; i++) {
      TestImage image = new TestImage().gzipLayer(tar).config("Cmd", "run-" + i);
      byte[] manifest = image.manifestBytes();
      image.blobs().forEach((digest, bytes) -> write(layout, digest, bytes));
      write(layout, Digest.ofBytes(manifest), manifest);
      manifests.add(
          """
          {"mediaType":"%s","digest":"%s","size":%d,
           "annotations":{"io.containerd.image.name":"example.org/app:%d"}}
          """
              .formatted(image.mediaType(), Digest.ofBytes(manifest), manifest.length, i));
    }
    Files.writeString(
        layout.resolve("index.json"),
        "{\"schemaVersion\":2,\"manifests\":[" + String.join(",", manifests) + "]}",
        StandardCharsets.UTF_8);
    return layout;
  }

  private static void write(Path layout, Digest digest, byte[] bytes) {
    try {
      Files.write(layout.resolve("blobs/sha256").resolve(digest.hex()), bytes);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
