package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.Patience;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.content.Descriptor;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import dev.molo.image.layer.StoredLayer;
import dev.molo.linux.Errno;
import dev.molo.linux.Linux;
import dev.molo.linux.jnr.JnrLinux;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The store of layers where two have to do with one layer, or the store ends, at a bad moment. */
@Timeout(60)
final class LayerStoreIT {
  private static final byte[] TAR = new TarBytes().add(TarBytes.file("f", "content")).bytes();
  private static final Digest DIFF_ID = Digest.ofBytes(TAR);
  private static final List<Digest> IDS = List.of(DIFF_ID);

  @TempDir Path directory;
  private final FailingFiles disk = new FailingFiles(JnrLinux.fromProperties());
  private LayerStore layers;

  @BeforeEach
  void open() {
    TestStores.needsRoot();
    open(disk.linux());
  }

  private void open(Linux linux) {
    layers =
        new LayerStore(linux, directory, ImageStoreSettings.standard(directory).limits(), 2, false);
  }

  @AfterEach
  void close() {
    if (layers != null) {
      layers.close();
    }
  }

  private StoredLayer bringIn() {
    return layers.ensure(
        Descriptor.of("application/vnd.oci.image.layer.v1.tar", DIFF_ID, TAR.length),
        DIFF_ID,
        (_, _) -> new ByteArrayInputStream(TAR),
        Cancellation.create(),
        _ -> {});
  }

  /** A connection that is left open is one that the registry and the node pay for. */
  @Test
  void sourceIsClosedWhicheverWriteFails() throws Exception {
    layers.close();
    layers =
        new LayerStore(
            disk.linux(), directory, ImageStoreSettings.standard(directory).limits(), 2, true);
    // What only the first layer of a boot writes is written.
    layers.condemn(bringIn(), "test");
    byte[] blob = TarBytes.gzip(TAR);
    Descriptor descriptor =
        Descriptor.of(
            "application/vnd.oci.image.layer.v1.tar+gzip", Digest.ofBytes(blob), blob.length);
    boolean failed = true;
    for (int number = 0; failed; number++) {
      AtomicInteger open = new AtomicInteger();
      disk.failAfter(number, Errno.ENOSPC);
      try {
        var _ =
            layers.ensure(
                descriptor, DIFF_ID, (_, _) -> counted(blob, open), Cancellation.create(), _ -> {});
      } catch (FaultException e) {
        assertThat(e.kind()).isEqualTo(Fault.RESOURCE_EXHAUSTED);
      }
      String call = disk.heal();
      assertThat(open).as("call %d, %s", number, call).hasValue(0);
      failed = !call.isEmpty();
    }
    assertThat(directory.resolve("layers").resolve(StoredLayer.nameOf(DIFF_ID)).resolve("blob"))
        .hasBinaryContent(blob);
  }

  private static InputStream counted(byte[] content, AtomicInteger open) {
    open.incrementAndGet();
    return new ByteArrayInputStream(content) {
      private boolean closed;

      @Override
      public void close() {
        if (!closed) {
          closed = true;
          open.decrementAndGet();
        }
      }
    };
  }

  /** It may have been written after the disk was asked, so it is not marked with the other. */
  @Test
  void layerThatCameInPlaceOfAnotherWhileThatWasSyncedIsSyncedItself() {
    try (LayerHold _ = layers.hold("pull", IDS)) {
      StoredLayer first = bringIn();
      AtomicBoolean again = new AtomicBoolean();
      disk.afterNext(
          "syncfs",
          () -> {
            layers.condemn(first, "somebody verified it");
            bringIn();
            disk.afterNext("syncfs", () -> again.set(true));
          });
      layers.sync(IDS);
      assertThat(again).isTrue();
      assertThat(directory.resolve("layers").resolve(first.name()).resolve("synced")).exists();
    }
  }

  @Test
  void damageOfALayerIsNotHeldAgainstTheOneInItsPlace() {
    try (LayerHold _ = layers.hold("repair", IDS)) {
      StoredLayer old = bringIn();
      layers.condemn(old, "one repair found it damaged");
      assertThat(layers.verify(old, Cancellation.create()))
          .hasValueSatisfying(wrong -> assertThat(wrong).contains("has gone"));
      StoredLayer fresh = bringIn();
      assertThat(fresh).isEqualTo(old);

      layers.condemn(old, "another repair found it damaged");
      assertThat(layers.find(DIFF_ID)).containsSame(fresh);
    }
  }

  /** Memory may be short for it alone: who waits for the answer is not left waiting. */
  @Test
  void verificationThatEndsWithAnErrorIsToldOf() throws Exception {
    StoredLayer layer = bringIn();
    disk.afterNext(
        "mkdirat",
        () -> {
          throw new OutOfMemoryError("as the test wants it");
        });
    FutureTask<Optional<String>> verified =
        new FutureTask<>(() -> layers.verify(layer, Cancellation.create()));
    var _ = Thread.ofPlatform().daemon().start(verified);
    assertThatThrownBy(() -> verified.get(30, TimeUnit.SECONDS))
        .hasCauseInstanceOf(FaultException.class)
        .hasMessageContaining("as the test wants it");
    assertThat(layers.verify(layer, Cancellation.create())).isEmpty();
  }

  /** Containers of this boot may run on both, and who they are is not known yet. */
  @Test
  void layersThatTwoDaemonsOfOneBootReplacedAreBothKept() throws IOException {
    for (int daemon = 0; daemon < 2; daemon++) {
      layers.condemn(bringIn(), "test");
      assertThat(entries("layers")).containsExactly("empty");
      layers.close();
      open();
    }
    assertThat(entries("replaced")).hasSize(2);
  }

  @Test
  void layerThatCannotBeMovedTakesItsRoomUntilItCan() throws IOException {
    layers.mayDelete();
    LayerHold hold = layers.hold("image", IDS);
    bringIn();
    disk.failAfter(0, Errno.EROFS);
    hold.close();
    assertThat(disk.heal()).isEqualTo("renameat2");
    assertThat(layers.totals().inodes()).isPositive();
    assertThat(layers.uses()).singleElement().matches(use -> use.idle().isPresent());
    layers.collectIdle(Duration.ZERO);
    assertThat(layers.totals().inodes()).isZero();
    assertThat(entries("layers")).containsExactly("empty");
  }

  /** A big tree would be waited for; the next start goes on with it. */
  @Test
  void endDoesNotWaitForWhatIsBeingDeleted() throws Exception {
    layers.mayDelete();
    LayerHold hold = layers.hold("image", IDS);
    bringIn();
    CountDownLatch deleting = new CountDownLatch(1);
    disk.afterNext(
        "unlinkat",
        () -> {
          deleting.countDown();
          while (!Thread.currentThread().isInterrupted()) {
            LockSupport.park();
          }
        });
    hold.close();
    Patience.await("the layer is being deleted", deleting);
    assertThat(layers.end()).as("all threads ended").isTrue();
    assertThat(entries("trash")).hasSize(1);
    open();
    Patience.until("the next start deletes what is in the trash", () -> entries("trash").isEmpty());
  }

  /** After a power cut all containers of a node want their images at once. */
  @Test
  void suspectThatManyWantIsVerifiedOnce() throws Exception {
    bringIn();
    byte[] marker = Files.readAllBytes(directory.resolve("unpacking"));
    layers.close();
    Files.write(directory.resolve("unpacking"), marker);
    open(TestStores.booted(disk.linux(), "another"));
    disk.stall("mkdirat");
    List<FutureTask<Boolean>> wishes = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      FutureTask<Boolean> wish = new FutureTask<>(() -> layers.settle(IDS));
      Thread wanting = Thread.ofPlatform().start(wish);
      Patience.waits("who wants a suspect waits", wanting, Thread.State.WAITING);
      wishes.add(wish);
    }
    disk.goOn();
    for (FutureTask<Boolean> wish : wishes) {
      assertThat(Patience.result("the suspect is verified", wish)).isTrue();
    }
    assertThat(layers.settle(IDS)).isTrue();
    assertThat(disk.directoriesMade()).filteredOn(name -> name.startsWith("verify-")).hasSize(1);
  }

  @Test
  void layerWantedAtTheEndIsRefusedToEverybodyWhoWantsIt() {
    layers.close();
    assertUnavailable(this::bringIn);
    assertUnavailable(this::bringIn);
  }

  /** An image's record vouches for its layers after a power cut. */
  @Test
  void nothingIsSaidToBeSyncedAfterTheEnd() {
    bringIn();
    layers.close();
    assertUnavailable(() -> layers.sync(IDS));
  }

  private static void assertUnavailable(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.UNAVAILABLE))
        .hasMessageContaining("the daemon is stopping");
  }

  private List<String> entries(String name) throws IOException {
    try (Stream<Path> all = Files.list(directory.resolve(name))) {
      return all.map(path -> path.getFileName().toString()).toList();
    }
  }
}
