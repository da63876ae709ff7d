package dev.molo.image.layer;

import dev.molo.image.Digest;
import dev.molo.linux.LinuxException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Brings layers to disk, with one syncfs for those that were unpacked together, and marks them.
 * Thread-safe; blocks its caller, and no lock but the {@link WriteBack}'s is held meanwhile.
 */
final class LayerSync {
  private final Path root;
  private final LayerCatalogue catalogue;

  /** {@code root}: images, for messages. */
  LayerSync(Path root, LayerCatalogue catalogue) {
    this.root = root;
    this.catalogue = catalogue;
  }

  /** See {@link LayerStore#sync}. */
  void sync(Collection<Digest> diffIds) {
    Optional<WriteBack> next = catalogue.firstUnsynced(diffIds);
    while (next.isPresent()) {
      sync(next.get(), diffIds);
      next = catalogue.firstUnsynced(diffIds);
    }
  }

  private void sync(WriteBack writeBack, Collection<Digest> diffIds) {
    // Those that are written before this syncs; of later ones it would prove nothing.
    List<StoredLayer> mine =
        catalogue.writtenBy(writeBack).stream()
            .filter(layer -> diffIds.contains(layer.diffId()))
            .toList();
    try {
      syncOrGiveUp(writeBack);
      mine.forEach(catalogue::synced);
    } catch (LinuxException e) {
      throw LayerFaults.of("sync the image store " + root, e);
    } finally {
      catalogue.endWriting(writeBack);
    }
  }

  private void syncOrGiveUp(WriteBack writeBack) {
    try {
      writeBack.sync();
    } catch (LinuxException e) {
      catalogue.lost(writeBack, e.getMessage());
      throw e;
    }
  }
}
