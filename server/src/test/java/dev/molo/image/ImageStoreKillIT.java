package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
  private static final int KILLS = Integer.getInteger("molo.imageKills", 6);
  private static final int LAYERS = 6;
  private static final int FILES = 120;

  @TempDir Path directory;

  /** The process that is killed: pulls, removes, and does it again. */
  public static void main(String[] arguments) {
    ImageStore store = new TestStores(Path.of(arguments[0])).start();
    while (true) {
      TestStores.pull(store, arguments[1]);
      store.remove(arguments[1]);
    }
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
    TestStores.needsRegistry();
    TestImage image = image();
    long seed = Long.getLong("molo.test.seed", System.nanoTime());
    System.out.println("kills during pulls: " + KILLS + ", seed " + seed);
    Random random = new Random(seed);
    try (TestRegistry registry = TestRegistry.start(directory)) {
      registry.push(image, "app", "v1");
      String reference = registry.address() + "/app:v1";
      for (int i = 0; i < KILLS; i++) {
        killOne(reference, 700 + random.nextInt(900));
        verify(reference, image, "seed " + seed + ", kill " + i);
      }
    }
  }

  private void killOne(String reference, int millis) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                ImageStoreKillIT.class.getName(),
                directory.toString(),
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

  private void verify(String reference, TestImage image, String when) throws Exception {
    try (TestStores stores = new TestStores(directory)) {
      ImageStore store = stores.start();
      for (Image listed : store.list()) {
        checkFiles(store, listed, when + ", as found");
      }
      Image pulled = TestStores.pull(store, reference);
      assertThat(pulled.id()).as(when).isEqualTo(image.id());
      checkFiles(store, pulled, when + ", pulled again");
      store.remove(reference);
      assertThat(store.usage().inodes()).as(when).isZero();
    }
    for (String name : List.of("ingest", "trash", "records", "quarantine")) {
      try (Stream<Path> left = Files.list(directory.resolve("images").resolve(name))) {
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
