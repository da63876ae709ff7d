package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Patience;
import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ImageFsInfoRequest;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.ListImagesRequest;
import dev.molo.cri.v1.PullImageRequest;
import dev.molo.cri.v1.RemoveImageRequest;
import dev.molo.image.Digest;
import dev.molo.image.TarBytes;
import dev.molo.image.TestImage;
import dev.molo.image.TestRegistry;
import dev.molo.image.layer.StoredLayer;
import dev.molo.linux.RealKernel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon of the distribution is killed with SIGKILL again and again while it pulls and removes
 * for a client; what it leaves is always good for a whole image.
 */
@ExtendWith(RealKernel.class)
class KilledPullIT {
  private static final int KILLS = Integer.getInteger("molo.imageKills", 5);
  private static final int LAYERS = 6;
  private static final int FILES = 120;
  private static final int FILE_BYTES = 3000;

  @TempDir private Path folder;
  private final String instance = "killpull-" + ProcessHandle.current().pid();
  private final List<byte[]> contents = new ArrayList<>();
  private final TestImage made = image();
  private TestDaemon daemon;
  private TestRegistry registry;
  private String reference;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    assumeTrue(TestRegistry.installed(), "docker-registry is not installed");
    registry = TestRegistry.start(folder);
    registry.push(made, "app", "v1");
    reference = registry.address() + "/app:v1";
    daemon = new TestDaemon(instance, folder);
    daemon.start();
  }

  @AfterEach
  void leaveNothing() {
    if (registry != null) {
      registry.close();
    }
    if (daemon != null) {
      daemon.close();
      new InstanceCleanup(instance).run();
    }
  }

  private TestImage image() {
    TestImage image = new TestImage();
    Random random = new Random(11);
    for (int layer = 0; layer < LAYERS; layer++) {
      TarBytes tar = new TarBytes().add(TarBytes.directory("l" + layer + "/"));
      for (int file = 0; file < FILES; file++) {
        byte[] content = new byte[FILE_BYTES];
        random.nextBytes(content);
        contents.add(content);
        tar.add(TarBytes.file("l" + layer + "/f" + file, content));
      }
      image.gzipLayer(tar.bytes());
    }
    return image;
  }

  @Test
  @Timeout(value = 1, unit = TimeUnit.HOURS)
  void whatAKilledDaemonLeavesIsAlwaysGoodForAWholeImage() throws Exception {
    long seed = Long.getLong("molo.test.seed", System.nanoTime());
    System.out.println("kills during pulls: " + KILLS + ", seed " + seed);
    Random random = new Random(seed);
    long began = System.nanoTime();
    pull();
    remove();
    long round = System.nanoTime() - began;
    for (int i = 0; i < KILLS; i++) {
      String when = "seed " + seed + ", kill " + i;
      Thread client = Thread.ofPlatform().start(this::pullAndRemoveUntilItIsGone);
      LockSupport.parkNanos(random.nextLong(2 * round));
      assertThat(daemon.isAlive()).as(when + ": it lives until it is killed").isTrue();
      daemon.kill();
      Patience.end("the client of the killed daemon ends", client);
      daemon.start();
      verify(when);
    }
  }

  private String pull() {
    return daemon
        .images()
        .pullImage(PullImageRequest.newBuilder().setImage(spec()).build())
        .getImageRef();
  }

  private void remove() {
    var _ = daemon.images().removeImage(RemoveImageRequest.newBuilder().setImage(spec()).build());
  }

  private ImageSpec spec() {
    return ImageSpec.newBuilder().setImage(reference).build();
  }

  private void pullAndRemoveUntilItIsGone() {
    try {
      while (true) {
        pull();
        remove();
      }
    } catch (StatusRuntimeException gone) {
      // killed: that ends it
      return;
    }
  }

  private void verify(String when) throws IOException, InterruptedException {
    List<Image> found =
        daemon.images().listImages(ListImagesRequest.getDefaultInstance()).getImagesList();
    for (Image image : found) {
      assertThat(image.getId()).as(when).isEqualTo(made.id().toString());
      checkFiles(when + ", as found");
    }
    assertThat(pull()).as(when).isEqualTo(made.id().toString());
    checkFiles(when + ", pulled again");
    remove();
    for (String name : List.of("ingest", "trash", "records", "quarantine")) {
      awaitEmpty(name, when);
    }
    assertThat(
            daemon
                .images()
                .imageFsInfo(ImageFsInfoRequest.getDefaultInstance())
                .getImageFilesystems(0)
                .getInodesUsed()
                .getValue())
        .as(when)
        .isZero();
  }

  private void checkFiles(String when) {
    int layer = 0;
    for (Digest diffId : made.diffIds()) {
      Path fs =
          daemon.root().resolve("images/layers").resolve(StoredLayer.nameOf(diffId)).resolve("fs");
      for (int file = 0; file < FILES; file++) {
        assertThat(fs.resolve("l" + layer + "/f" + file))
            .as(when)
            .hasBinaryContent(contents.get(layer * FILES + file));
      }
      layer++;
    }
  }

  private void awaitEmpty(String name, String when) throws IOException, InterruptedException {
    for (int tries = 0; tries < 6000 && !left(name).isEmpty(); tries++) {
      Thread.sleep(10);
    }
    assertThat(left(name)).as(when + ": " + name).isEmpty();
  }

  private List<Path> left(String name) throws IOException {
    try (Stream<Path> all = Files.list(daemon.root().resolve("images").resolve(name))) {
      return all.toList();
    }
  }
}
