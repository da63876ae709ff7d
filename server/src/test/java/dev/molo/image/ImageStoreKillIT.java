package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.image.registry.RegistryClient;
import dev.molo.image.registry.RegistrySettings;
import dev.molo.linux.jnr.JnrLinux;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that pulls is killed with SIGKILL again and again; what it leaves is always good for a
 * whole image.
 */
final class ImageStoreKillIT {
  private static final int KILLS = "true".equals(System.getenv("MOLO_LONG")) ? 100 : 6;
  private static final int LAYERS = 6;
  private static final int FILES = 120;

  @TempDir Path directory;

  /** The process that is killed: pulls, removes, and does it again. */
  public static void main(String[] arguments) {
    Vertx vertx = Vertx.vertx();
    RegistryClient client = new RegistryClient(vertx, RegistrySettings.standard(List.of()));
    ImageStore store = open(Path.of(arguments[0]), client);
    store.recovered();
    while (true) {
      store.pull(PullRequest.of(arguments[1], RegistryAuth.anonymous()), Cancellation.create());
      store.remove(arguments[1]);
    }
  }

  private static ImageStore open(Path images, RegistryClient client) {
    return new ImageStore(
        JnrLinux.fromProperties(), ImageStoreSettings.standard(images), client, Clock.systemUTC());
  }

  private static TestImage image() {
    TestImage image = new TestImage();
    Random random = new Random(11);
    for (int layer = 0; layer < LAYERS; layer++) {
      TarBytes tar = new TarBytes().add(TarBytes.directory("l" + layer + "/"));
      for (int file = 0; file < FILES; file++) {
        byte[] content = new byte[3000];
        random.nextBytes(content);
        tar.add(TarBytes.file("l" + layer + "/f" + file, content));
      }
      image.gzipLayer(tar.bytes());
    }
    return image;
  }

  @Test
  void whatAKilledPullLeavesIsAlwaysGoodForAWholeImage() throws Exception {
    assumeTrue(TestRegistry.installed(), "docker-registry is not installed");
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root: owners of layers");
    Path images = directory.resolve("images");
    TestImage image = image();
    long seed = System.nanoTime();
    Random random = new Random(seed);
    try (TestRegistry registry = TestRegistry.start(directory)) {
      registry.push(image, "app", "v1");
      String reference = registry.address() + "/app:v1";
      for (int i = 0; i < KILLS; i++) {
        killOne(images, reference, 700 + random.nextInt(900));
        verify(images, reference, image, "seed " + seed + ", kill " + i);
      }
    }
  }

  private void killOne(Path images, String reference, int millis)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                ImageStoreKillIT.class.getName(),
                images.toString(),
                reference)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("killed.log").toFile())
            .start();
    boolean ended = process.waitFor(millis, TimeUnit.MILLISECONDS);
    assertThat(ended)
        .as(
            "the puller must live until it is killed: "
                + Files.readString(directory.resolve("killed.log")))
        .isFalse();
    process.destroyForcibly().waitFor();
  }

  private static void verify(Path images, String reference, TestImage image, String when)
      throws Exception {
    Vertx vertx = Vertx.vertx();
    try (RegistryClient client = new RegistryClient(vertx, RegistrySettings.standard(List.of()));
        ImageStore store = open(images, client)) {
      store.recovered();
      for (Image listed : store.list()) {
        checkFiles(store, listed, when + ", as found");
      }
      Image pulled =
          store.pull(PullRequest.of(reference, RegistryAuth.anonymous()), Cancellation.create());
      assertThat(pulled.id()).as(when).isEqualTo(image.id());
      checkFiles(store, pulled, when + ", pulled again");
      store.remove(reference);
      assertThat(store.usage().inodes()).as(when).isZero();
    } finally {
      vertx.close().await();
    }
    for (String name : List.of("ingest", "trash", "records", "quarantine")) {
      try (Stream<Path> left = Files.list(images.resolve(name))) {
        assertThat(left).as(when + ": " + name).isEmpty();
      }
    }
  }

  private static void checkFiles(ImageStore store, Image image, String when) throws IOException {
    try (LayerLease lease = store.acquire(image.id(), "check")) {
      for (int layer = 0; layer < LAYERS; layer++) {
        Path fs =
            lease.root().resolve(lease.lowerDirs().get(LAYERS - 1 - layer)).resolve("l" + layer);
        for (int file = 0; file < FILES; file++) {
          assertThat(fs.resolve("f" + file)).as(when).hasSize(3000);
        }
      }
    }
  }
}
