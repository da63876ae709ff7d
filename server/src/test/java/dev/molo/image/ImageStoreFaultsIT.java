package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.Patience;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.content.Descriptor;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import dev.molo.image.layer.UnpackLimits;
import dev.molo.image.registry.RegistrySettings;
import dev.molo.linux.Errno;
import dev.molo.linux.jnr.JnrLinux;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A disk that is full, over its quota, read-only or broken, at each write of a pull in turn. */
final class ImageStoreFaultsIT {
  private static final List<Errno> ERRORS =
      List.of(Errno.ENOSPC, Errno.EIO, Errno.EDQUOT, Errno.EROFS);

  /** In memory: each attempt ends with a sync, and others may be writing to the disk. */
  private Path directory;

  private final FailingFiles disk = new FailingFiles(JnrLinux.fromProperties());
  private TestStores stores;
  private ImageStore store;

  @BeforeEach
  void start() throws IOException {
    directory = Files.createTempDirectory(Path.of("/dev/shm"), "molo-faults-");
    TestStores.needsRoot();
    stores = new TestStores(directory, disk.linux(), RegistrySettings.Limits.standard());
    store = stores.start();
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
    }
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private static TestImage image() {
    byte[] base =
        new TarBytes()
            .add(TarBytes.directory("d").owner(1, 2))
            .add(TarBytes.file("d/f", "content").owner(1, 2).mode(04755))
            .add(TarBytes.hardlink("d/h", "d/f"))
            .add(TarBytes.symlink("s", "d/f"))
            .add(TarBytes.typed("fifo", '6'))
            .add(TarBytes.file("d/f", "once more").pax("SCHILY.xattr.user.k", "v"))
            .bytes();
    byte[] top = new TarBytes().add(TarBytes.whiteout("d/", "h")).bytes();
    return new TestImage().gzipLayer(base).gzipLayer(top);
  }

  private List<Image> bringIn(Path archive) {
    return TestStores.bringIn(store, archive);
  }

  /** Row 21 of the complaints: the disk is full, and then nothing works any more. */
  @Test
  void row21EachWriteMayFailAndNothingIsLeft() throws Exception {
    Path archive = Files.write(directory.resolve("a.tar"), TestArchives.docker(image(), "app:1"));
    TreeSet<String> failed = new TreeSet<>();
    List<String> told = new ArrayList<>();
    int number = 0;
    // The first layer of a boot makes three calls that no other makes.
    for (int most : List.of(3, 500)) {
      for (number = 0; number < most; number++) {
        Errno errno = ERRORS.get(number % ERRORS.size());
        disk.failAfter(number, errno);
        Optional<FaultException> fault = Optional.empty();
        try {
          bringIn(archive);
        } catch (FaultException e) {
          fault = Optional.of(e);
        }
        String call = disk.heal();
        if (call.isEmpty()) {
          break;
        }
        failed.add(call);
        String when = "call " + number + ", " + call + ", " + errno;
        if (fault.isEmpty()) {
          // Clearing the way for a layer, where nothing was in the way.
          assertThat(call).as(when).isEqualTo("renameat2");
          assertThat(store.list()).as(when).hasSize(1);
          store.remove("app:1");
          awaitEmpty("trash", when);
          continue;
        }
        boolean full = errno == Errno.ENOSPC || errno == Errno.EDQUOT;
        assertThat(fault)
            .as(when)
            .hasValueSatisfying(e ->
                assertThat(e.kind())
                    .as(when + ": " + e.getMessage())
                    .isEqualTo(full ? Fault.RESOURCE_EXHAUSTED : Fault.INTERNAL));
        told.add(fault.get().getMessage());
        assertThat(store.list()).as(when).isEmpty();
        awaitEmpty("ingest", when);
        assertThat(entries("records")).as(when).isEmpty();
        if (call.equals("syncfs")) {
          assertThat(store.layers()).as(when + ": layers that the disk may have lost").isEmpty();
        }
        assertThat(bringIn(archive)).as(when).hasSize(1);
        store.remove("app:1");
        awaitEmpty("trash", when);
        assertThat(store.usage().inodes()).as(when).isZero();
        assertThat(store.layers()).as(when).isEmpty();
      }
    }
    assertThat(number).as("calls that change the disk: %s", failed).isBetween(30, 499);
    assertThat(failed)
        .contains("writeFully", "renameat2", "syncfs", "fsync", "mkdirat", "utimensat");
    assertThat(told).allMatch(text -> text.matches(".*(ENOSPC|EDQUOT|EIO|EROFS) .*"));
  }

  /** The kernel tells only the first who asks: what it lost is lost for the other too. */
  @Test
  void layerThatTheDiskLostIsLostForEveryPullThatHasIt() {
    byte[] tar = new TarBytes().add(TarBytes.file("f", "content")).bytes();
    Digest diffId = Digest.ofBytes(tar);
    List<Digest> ids = List.of(diffId);
    UnpackLimits limits = ImageStoreSettings.standard(directory).limits();
    try (LayerStore layers =
            new LayerStore(disk.linux(), directory.resolve("layers"), limits, 2, false);
        LayerHold _ = layers.hold("one pull", ids);
        LayerHold _ = layers.hold("another pull", ids)) {
      layers.ensure(
          Descriptor.of("application/vnd.oci.image.layer.v1.tar", diffId, tar.length),
          diffId,
          (_, _) -> new ByteArrayInputStream(tar),
          Cancellation.create(),
          _ -> {});
      disk.failAfter(0, Errno.EIO);
      assertThatThrownBy(() -> layers.sync(ids)).hasMessageContaining("EIO");
      assertThat(disk.heal()).isEqualTo("syncfs");
      assertThatThrownBy(() -> layers.sync(ids))
          .isInstanceOfSatisfying(
              FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.UNAVAILABLE))
          .hasMessageContaining(diffId + " is gone again");
    }
  }

  /**
   * As a kubelet meets it that collects garbage: what a disk refuses to move is deleted where it
   * is, or tried again.
   */
  @Test
  @Timeout(60)
  void row21RemovalThatTheDiskRefusesInPartIsARemovalAllTheSame() throws Exception {
    Path archive = Files.write(directory.resolve("a.tar"), TestArchives.docker(image(), "app:1"));
    for (int refused = 0; refused < 3; refused++) {
      bringIn(archive);
      // The deleter's own call is not to be the one that fails.
      disk.stall("fsync");
      disk.failAfter(refused, Errno.ENOSPC);
      store.remove("app:1");
      String when = "rename " + refused;
      assertThat(disk.heal()).as(when).isEqualTo("renameat2");
      disk.goOn();
      assertThat(store.list()).as(when).isEmpty();
      assertThat(entries("records")).as(when).isEmpty();
      assertThat(store.layers())
          .as(when + ": a layer that takes room is told")
          .hasSize(refused == 0 ? 0 : 1)
          .allMatch(layer -> layer.keptBy().isEmpty());
      store.collect(Duration.ofDays(1), Duration.ZERO);
      awaitEmpty("trash", when);
      assertThat(entries("layers")).as(when).hasSize(1);
      assertThat(store.usage().inodes()).as(when).isZero();
    }
  }

  /** Two records change; no disk can write both at once. */
  @Test
  @Timeout(300)
  void tagThatMovesIsAtOneImageWhateverTheDiskRefuses() throws Exception {
    Path from = Files.write(directory.resolve("a.tar"), TestArchives.docker(image(), "app:1"));
    TestImage other =
        new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("f", "other")).bytes());
    Path to = Files.write(directory.resolve("b.tar"), TestArchives.docker(other, "app:1"));
    TreeSet<Boolean> moved = new TreeSet<>();
    boolean failed = true;
    for (int number = 0; failed; number++) {
      bringIn(from);
      disk.failAfter(number, Errno.EIO);
      try {
        bringIn(to);
      } catch (FaultException e) {
        assertThat(e).hasMessageContaining("EIO");
      }
      String call = disk.heal();
      failed = !call.isEmpty();
      String when = "call " + number + ", " + call;
      ImageId owner = onlyOwner("app:1", when);
      moved.add(owner.equals(other.id()));
      store.close();
      store = stores.start();
      assertThat(onlyOwner("app:1", when + ", after a restart")).as(when).isEqualTo(owner);
      store.list().forEach(image -> store.remove(image.id().toString()));
      store.collect(Duration.ofDays(1), Duration.ZERO);
      awaitEmpty("trash", when);
      assertThat(entries("records")).as(when).isEmpty();
    }
    assertThat(moved).containsExactly(false, true);
  }

  private ImageId onlyOwner(String tag, String when) {
    String name = Reference.parse(tag).orLatest().toString();
    assertThat(store.list())
        .as(when)
        .filteredOn(image -> image.repoTags().contains(name))
        .hasSize(1);
    return store.find(tag).orElseThrow().id();
  }

  /** Row 15 of the complaints: one writer blocks creates on a slow disk. */
  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void containersAreMadeWhileTheDiskThinksAboutAnotherImage() throws Exception {
    Image here =
        bringIn(Files.write(directory.resolve("a.tar"), TestArchives.docker(image(), "app:1")))
            .getFirst();
    TestImage other =
        new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("f", "other")).bytes());
    Path archive = Files.write(directory.resolve("b.tar"), TestArchives.docker(other, "other:1"));
    disk.stall("fsync");
    Thread slow = Thread.ofPlatform().start(() -> bringIn(archive));
    disk.awaitStalled();
    store.acquire(here.id(), "container").close();
    assertThat(store.list()).containsExactly(here);
    disk.goOn();
    Patience.end("the import on the slow disk ends", slow);
    assertThat(store.list()).hasSize(2);
  }

  /** It has its answer when the names are gone; what goes with them goes behind its back. */
  @Test
  @Timeout(60)
  void removalDoesNotWaitForTheDisk() throws Exception {
    bringIn(Files.write(directory.resolve("a.tar"), TestArchives.docker(image(), "app:1")));
    disk.stall("fsync");
    store.remove("app:1");
    assertThat(store.list()).isEmpty();
    assertThat(store.usage().inodes()).isZero();
    assertThat(entries("records")).isEmpty();
    assertThat(entries("trash")).as("record and layers, deleted once the disk knows").hasSize(3);
    disk.goOn();
    awaitEmpty("trash", "the disk answers again");
  }

  private void awaitEmpty(String name, String when) throws IOException, InterruptedException {
    for (int i = 0; i < 6000 && !entries(name).isEmpty(); i++) {
      Thread.sleep(10);
    }
    assertThat(entries(name)).as(when + ": " + name).isEmpty();
  }

  private List<Path> entries(String name) throws IOException {
    try (Stream<Path> all = Files.list(directory.resolve("images").resolve(name))) {
      return all.toList();
    }
  }
}
