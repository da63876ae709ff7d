package dev.molo.image.layer;

import dev.molo.image.Digest;
import dev.molo.linux.LinuxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Brings layers to disk, with one syncfs for those that were unpacked together, and marks them.
 * Thread-safe; blocks its caller, and no lock but the {@link WriteBack}'s is held meanwhile.
 */
final class LayerSync {
  private final Path root;
  private final LayerDirectories directories;
  private final LayerCatalogue catalogue;

  /** {@code root}: images, for messages. */
  LayerSync(Path root, LayerDirectories directories, LayerCatalogue catalogue) {
    this.root = root;
    this.directories = directories;
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
    List<String> mine = new ArrayList<>(catalogue.writtenBy(writeBack));
    mine.retainAll(diffIds.stream().map(StoredLayer::nameOf).toList());
    try {
      syncOrGiveUp(writeBack);
      mine.forEach(directories::markSynced);
      catalogue.synced(mine);
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
