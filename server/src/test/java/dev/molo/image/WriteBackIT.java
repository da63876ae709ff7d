package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Patience;
import dev.molo.Program;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A disk that loses what it was given, after write(2) has said yes: an ext4 file system whose
 * device is a file with holes on a memory file system that is too small for it.
 */
@Timeout(300)
final class WriteBackIT {
  private static final int ROOM = 16 << 20;

  @TempDir Path folder;
  private Path memory;
  private Path disk;
  private boolean memoryMounted;
  private boolean diskMounted;
  private TestStores stores;
  private ImageStore store;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    TestStores.needsRoot();
    memory = Files.createDirectory(folder.resolve("memory"));
    disk = Files.createDirectory(folder.resolve("disk"));
    Program.output("mount", "-t", "tmpfs", "-o", "size=" + ROOM, "none", memory.toString());
    memoryMounted = true;
    String device = memory.resolve("device").toString();
    // What the file system keeps for itself has room; only contents have none.
    Files.write(memory.resolve("device"), new byte[4 << 20]);
    Program.output("truncate", "-s", "256M", device);
    Program.output(
        "mke2fs",
        "-q",
        "-t",
        "ext4",
        "-O",
        "^has_journal",
        "-N",
        "2048",
        "-E",
        "nodiscard,lazy_itable_init=1",
        device);
    String said = Program.run("mount", "-o", "loop", device, disk.toString()).complaint();
    assumeTrue(said.isEmpty(), "no loop device here: " + said);
    diskMounted = true;
    stores = new TestStores(disk);
    store = stores.start();
    // Its folders are not to be among what is lost.
    Program.output("sync", "-f", disk.toString());
  }

  @AfterEach
  void stop() throws Exception {
    try {
      if (stores != null) {
        stores.close();
      }
    } finally {
      if (diskMounted) {
        Program.output("umount", disk.toString());
      }
      if (memoryMounted) {
        Program.output("umount", memory.toString());
      }
    }
  }

  /** Bytes that no file system stores in less room. */
  private static byte[] noise(int seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private Path archive(String name, byte[]... contents) throws IOException {
    TestImage image = new TestImage();
    for (byte[] content : contents) {
      image.gzipLayer(new TarBytes().add(TarBytes.file("f", content)).bytes());
    }
    return Files.write(folder.resolve(name + ".tar"), TestArchives.docker(image, name + ":1"));
  }

  /**
   * The kernel says it once to each description that was open: asked again, it is content, and what
   * it lost would be committed.
   */
  @Test
  void whatTheDiskLostIsNotThereForTheNextAttemptEither() throws Exception {
    Path big = archive("big", noise(1, ROOM), noise(2, ROOM));
    for (int attempt = 0; attempt < 3; attempt++) {
      assertThatThrownBy(() -> TestStores.bringIn(store, big))
          .as("attempt %d", attempt)
          .isInstanceOf(FaultException.class)
          .hasMessageMatching(".*(EIO|ENOSPC).*");
      assertThat(store.list()).isEmpty();
      assertThat(store.layers()).as("layers that the disk may have lost").isEmpty();
    }
    giveRoom();
    // The folder of the records is a description of its own that may have something to tell.
    Patience.until(
        "a disk with room takes the image",
        () -> {
          bringInOrNot(big);
          return !store.list().isEmpty();
        });
    forgetWhatIsInMemory();
    allAreSound(2);
  }

  /** Two pulls at the same time; whichever asks first, the other is told too. */
  @Test
  void everyPullIsToldOfWhatTheDiskLostMeanwhile() throws Exception {
    Path first = archive("first", noise(3, ROOM / 8));
    Path second = archive("second", noise(4, ROOM));
    List<Thread> pulls =
        List.of(first, second).stream()
            .map(archive -> Thread.ofPlatform().unstarted(() -> bringInOrNot(archive)))
            .toList();
    pulls.forEach(Thread::start);
    for (Thread pull : pulls) {
      Patience.end("the import ends", pull);
    }
    giveRoom();
    int committed = store.layers().size();
    forgetWhatIsInMemory();
    allAreSound(committed);
    Patience.until(
        "a disk with room takes both images",
        () -> {
          bringInOrNot(first);
          bringInOrNot(second);
          return store.list().size() == 2;
        });
    forgetWhatIsInMemory();
    allAreSound(2);
  }

  private void giveRoom() throws IOException, InterruptedException {
    Program.output("mount", "-o", "remount,size=" + 8 * ROOM, memory.toString());
  }

  /** What is read from now on comes from the device. */
  private void forgetWhatIsInMemory() throws Exception {
    stores.close();
    Program.output("umount", disk.toString());
    Program.output("mount", "-o", "loop", memory.resolve("device").toString(), disk.toString());
    stores = new TestStores(disk);
    store = stores.start();
  }

  private void allAreSound(int layers) {
    assertThat(TestStores.verify(store, false))
        .hasSize(layers)
        .allMatch(check -> check.verdict() == LayerCheck.Verdict.SOUND);
  }

  private void bringInOrNot(Path archive) {
    try {
      TestStores.bringIn(store, archive);
    } catch (FaultException told) {
      // What matters is what is there afterwards.
      return;
    }
  }
}
