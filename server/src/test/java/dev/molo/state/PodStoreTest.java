package dev.molo.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;
import dev.molo.state.proto.ContainerRecord;
import dev.molo.state.proto.PodRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PodStoreTest {
  @TempDir private Path root;
  private PodStore store;
  private final SandboxId pod = SandboxId.random();
  private final ContainerId container = ContainerId.random();

  @BeforeEach
  void write() {
    store = new PodStore(root);
    store.create(PodRecord.newBuilder().setId(pod.value()).setBootId("boot").build());
    store.create(
        ContainerRecord.newBuilder()
            .setId(container.value())
            .setSandboxId(pod.value())
            .setExitCode(3)
            .build());
  }

  @Test
  void whatWasWrittenIsFound() {
    assertThat(store.scan())
        .singleElement()
        .satisfies(found -> {
          assertThat(found.pod().getBootId()).isEqualTo("boot");
          assertThat(found.containers())
              .singleElement()
              .satisfies(record -> assertThat(record.getExitCode()).isEqualTo(3));
        });
  }

  @Test
  void whatIsToldLateDoesNotBringBackWhatWasRemoved() {
    store.discard(pod);

    store.write(PodRecord.newBuilder().setId(pod.value()).build());
    ContainerRecord late =
        ContainerRecord.newBuilder().setId(container.value()).setSandboxId(pod.value()).build();
    store.write(late);

    assertThat(store.folder(pod)).doesNotExist();
    assertThatThrownBy(() -> store.create(late)).hasMessageContaining(pod.value());
    assertThat(store.folder(pod)).doesNotExist();
  }

  @Test
  void tornRecordIsSetAsideAndTheOthersAreFound() throws IOException {
    SandboxId other = SandboxId.random();
    store.create(PodRecord.newBuilder().setId(other.value()).build());
    Path record = store.folder(pod).resolve("pod.rec");
    byte[] whole = Files.readAllBytes(record);
    for (int length = 0; length < whole.length; length++) {
      Files.write(record, java.util.Arrays.copyOf(whole, length));
      assertThat(store.scan())
          .singleElement()
          .satisfies(found -> assertThat(found.pod().getId()).isEqualTo(other.value()));
      assertThat(store.folder(pod)).doesNotExist();
      store.create(PodRecord.newBuilder().setId(pod.value()).build());
    }
    assertThat(store.quarantined()).isEqualTo(whole.length);
    try (Stream<Path> aside = Files.list(root.resolve("quarantine"))) {
      assertThat(aside).isNotEmpty();
    }
  }

  @Test
  void everyFlippedBitIsSeen() throws IOException {
    Path record = store.folder(pod).resolve("pod.rec");
    byte[] whole = Files.readAllBytes(record);
    for (int i = 0; i < whole.length; i++) {
      byte[] bad = whole.clone();
      bad[i] ^= 1;
      Files.createDirectories(record.getParent());
      Files.write(record, bad);
      assertThat(store.scan()).as("bit flipped in byte %d", i).isEmpty();
    }
  }

  @Test
  void recordUnderAnotherNameIsSetAside() throws IOException {
    Path foreign = root.resolve("pods").resolve(SandboxId.random().value());
    Files.createDirectories(foreign);
    Files.copy(store.folder(pod).resolve("pod.rec"), foreign.resolve("pod.rec"));
    assertThat(store.scan()).hasSize(1);
    assertThat(foreign).doesNotExist();
  }

  @Test
  void folderOfADaemonThatWasKilledBeforeItsFirstRecordGoes() throws IOException {
    Path empty = Files.createDirectory(root.resolve("pods").resolve(SandboxId.random().value()));
    Path torn = Files.createDirectory(root.resolve("pods").resolve(SandboxId.random().value()));
    Files.write(torn.resolve("pod.rec.tmp"), new byte[7]);
    Path container =
        Files.createDirectories(
            store.folder(pod).resolve("containers").resolve(ContainerId.random().value()));

    assertThat(store.scan()).hasSize(1);

    assertThat(empty).doesNotExist();
    assertThat(torn).doesNotExist();
    assertThat(container).doesNotExist();
    assertThat(store.quarantined()).isZero();
  }

  @Test
  void folderWithContentAndNoRecordIsSetAside() throws IOException {
    Path stranger = Files.createDirectory(root.resolve("pods").resolve(SandboxId.random().value()));
    Files.writeString(stranger.resolve("something"), "of somebody");

    assertThat(store.scan()).hasSize(1);

    assertThat(stranger).doesNotExist();
    assertThat(store.quarantined()).isOne();
  }

  @Test
  void discardedFolderIsGoneAtOnceAndItsSpaceSoon() throws IOException {
    store.makeWritableLayer(pod, container);
    Files.writeString(store.folder(pod, container).resolve("upper/file"), "text");
    store.discard(pod);
    assertThat(store.folder(pod)).doesNotExist();
    store.discard(pod);
    store.awaitDeleted();
    try (Stream<Path> trash = Files.list(root.resolve("trash"))) {
      assertThat(trash).isEmpty();
    }
  }

  @Test
  void whatAFormerDaemonLeftInTheTrashIsDeleted() throws IOException {
    Files.createDirectories(root.resolve("trash/old/deep"));
    new PodStore(root).awaitDeleted();
    assertThat(root.resolve("trash/old")).doesNotExist();
  }
}
