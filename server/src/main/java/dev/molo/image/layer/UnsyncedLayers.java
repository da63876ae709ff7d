package dev.molo.image.layer;

import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.OpenFlags;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The layers that the disk may not have yet, each with what will tell whether it has. Layers that
 * are written at the same time share one {@link WriteBack}, so that the pull of many needs one
 * syncfs; it ends with the last of them. Used under the lock of {@link LayerCatalogue}.
 */
final class UnsyncedLayers {
  private static final int DIRECTORY =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;

  private final Files files;
  private final Path root;
  private final Map<String, WriteBack> layers = new HashMap<>();
  private Optional<WriteBack> current = Optional.empty();

  /** {@code root}: the image store. */
  UnsyncedLayers(Files files, Path root) {
    this.files = files;
    this.root = root;
  }

  /** Somebody is about to write; {@link #end} follows. */
  WriteBack begin() {
    WriteBack writeBack =
        current.orElseGet(() ->
            new WriteBack(files, files.openat2(Fd.AT_FDCWD, root.toString(), DIRECTORY, 0, 0)));
    current = Optional.of(writeBack);
    writeBack.retain();
    return writeBack;
  }

  void end(WriteBack writeBack) {
    if (writeBack.release() && current.filter(writeBack::equals).isPresent()) {
      current = Optional.empty();
    }
  }

  /** A layer has been written. */
  void add(String layer, WriteBack by) {
    by.retain();
    WriteBack before = layers.put(layer, by);
    if (before != null) {
      end(before);
    }
  }

  /** The disk has it, or it is gone. */
  void remove(String layer) {
    WriteBack by = layers.remove(layer);
    if (by != null) {
      end(by);
    }
  }

  Set<String> names() {
    return Set.copyOf(layers.keySet());
  }

  /** What tells of a layer; empty when the disk is known to have it. */
  Optional<WriteBack> of(String layer) {
    return Optional.ofNullable(layers.get(layer));
  }

  List<String> writtenBy(WriteBack writeBack) {
    return layers.entrySet().stream()
        .filter(layer -> layer.getValue().equals(writeBack))
        .map(Map.Entry::getKey)
        .toList();
  }

  /** It has failed: what is written from now on has nothing to do with it. */
  void abandon(WriteBack failed) {
    if (current.filter(failed::equals).isPresent()) {
      current = Optional.empty();
    }
  }
}
