package dev.molo.image.layer;

import dev.molo.linux.DirEntry;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directories of the store, as {@link LayerStore} draws them: made, opened, renamed, thrown
 * away. Knows nothing of who needs them. Thread-safe, without a lock: what has to happen together
 * with what is known of a layer is called under the lock of {@link LayerCatalogue}.
 */
final class LayerDirectories implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LayerDirectories.class);
  private static final int DIRECTORY =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;

  /** Name of the layer without files, the lower directory of an image that has no layers. */
  static final String EMPTY = "empty";

  private static final String SYNCED = "synced";

  private final Files files;
  private final Path root;
  private final String boot;
  private final LayerRecords records;
  private final Fd images;
  private final Fd layers;
  private final Fd ingest;
  private final Fd replaced;
  private final Trash trash;
  private final AtomicLong sequence = new AtomicLong();

  /**
   * Makes and opens them.
   *
   * @param root images
   * @param boot this one
   * @param deleter one thread, ended by its owner before this is closed
   */
  LayerDirectories(Files files, Path root, String boot, Executor deleter) {
    this.files = files;
    this.root = root;
    this.boot = boot;
    this.records = new LayerRecords(files);
    makeAll(root);
    this.images = open(root);
    this.layers = open(layersPath());
    this.ingest = open(ingestPath());
    // Layers that are unpacked at once do not wait for each other's part of the disk then.
    files.hintUnrelatedTrees(ingest);
    this.replaced = open(root.resolve("replaced"));
    this.trash = new Trash(files, root, open(root.resolve("trash")), deleter);
  }

  private static void makeAll(Path root) {
    try {
      for (String name :
          List.of(
              "layers/" + EMPTY + "/fs", "ingest", "trash", "replaced", "records", "quarantine")) {
        java.nio.file.Files.createDirectories(root.resolve(name));
      }
      // A layer's set-uid programs are for containers: nobody else on the host may reach them
      // (CVE-2021-41103). Overlayfs
      // looks the path up once, as root.
      java.nio.file.Files.setPosixFilePermissions(
          root, PosixFilePermissions.fromString("rwx------"));
    } catch (IOException e) {
      throw LayerFaults.of("make the image store " + root, e);
    }
  }

  /** Any directory, by its path. The caller closes it. */
  Fd open(Path directory) {
    return files.openat2(Fd.AT_FDCWD, directory.toString(), DIRECTORY, 0, 0);
  }

  /** The half-made and the half-deleted of the process before go. */
  void clear() {
    trash.empty();
    for (DirEntry left : files.list(ingest)) {
      trash.discard(ingest, left.name());
    }
    for (DirEntry left : files.list(replaced)) {
      // Containers of this boot may run on it, and which ones nobody knows any more.
      if (!left.name().startsWith(boot + ".")) {
        trash.discard(replaced, left.name());
      }
    }
  }

  /** The directory images itself; stays this object's. */
  Fd images() {
    return images;
  }

  Path layersPath() {
    return root.resolve("layers");
  }

  Path ingestPath() {
    return root.resolve("ingest");
  }

  /** Names of the layers that lie there, whatever state they are in. */
  List<String> names() {
    return files.list(layers).stream()
        .map(DirEntry::name)
        .filter(name -> !name.equals(EMPTY))
        .toList();
  }

  /** A layer's directory. The caller closes it. */
  Fd open(String name) {
    return files.openat2(layers, name, DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH);
  }

  /**
   * A layer's record.
   *
   * @throws IOException when it is torn, or another layer's
   */
  StoredLayer read(String name) throws IOException {
    try (Fd directory = open(name)) {
      StoredLayer layer = records.read(directory);
      if (!layer.name().equals(name)) {
        throw new IOException("it is the record of layer " + layer.name());
      }
      return layer;
    }
  }

  boolean isMarkedSynced(String name) {
    return files
        .statxIfPresent(layers, name + "/" + SYNCED, OpenFlags.AT_SYMLINK_NOFOLLOW)
        .isPresent();
  }

  void markSynced(String name) {
    int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_NOFOLLOW;
    files.openat2(layers, name + "/" + SYNCED, flags, 0600, OpenFlags.RESOLVE_BENEATH).close();
  }

  /** A new directory in ingest; {@code purpose} is the beginning of its name. */
  Ingest begin(String purpose) {
    String name = purpose + "-" + sequence.incrementAndGet();
    files.mkdirat(ingest, name, 0700);
    try {
      return new Ingest(name, files.openat2(ingest, name, DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH));
    } catch (LinuxException e) {
      trash.removeNow(ingest, name);
      throw e;
    }
  }

  /** Something in the making: gone when it is closed, if it was not published. One thread. */
  final class Ingest implements AutoCloseable {
    private final String name;
    private final Fd directory;
    private boolean published;

    private Ingest(String name, Fd directory) {
      this.name = name;
      this.directory = directory;
    }

    Fd directory() {
      return directory;
    }

    /** Writes the record of the layer that this is going to be. */
    void write(StoredLayer layer) {
      records.write(directory, layer);
    }

    /** It is the layer {@code target} from now on; what lay there goes. */
    void publish(String target) {
      trash.discard(layers, target);
      files.renameat2(ingest, name, layers, target, 0);
      published = true;
    }

    @Override
    public void close() {
      directory.close();
      if (!published) {
        trash.removeNow(ingest, name);
      }
    }
  }

  /**
   * A layer goes.
   *
   * @return false when it cannot be moved, and the log says why
   */
  boolean discard(String name) {
    return trash.discard(layers, name);
  }

  /**
   * A layer goes out of the way, and its files stay.
   *
   * @return its name among the replaced; empty when it could not be moved, and the log says why
   */
  Optional<String> replace(String name) {
    // Those of an earlier daemon of this boot are still there, so a count would meet theirs.
    String old = boot + "." + name + "-" + Long.toHexString(System.nanoTime());
    try {
      files.renameat2(layers, name, replaced, old, 0);
      return Optional.of(old);
    } catch (LinuxException e) {
      LOG.error(
          "image store {}: {} cannot be moved out of the way: {}", root, name, e.getMessage());
      return Optional.empty();
    }
  }

  /** A replaced layer goes. */
  void discardReplaced(String old) {
    trash.discard(replaced, old);
  }

  /** See {@link LayerStore#discard}. */
  boolean discard(Fd from, String name, Runnable before) {
    return trash.discard(from, name, before);
  }

  /** When no thread uses them any more. */
  @Override
  public void close() {
    trash.close();
    for (Fd fd : List.of(layers, ingest, replaced, images)) {
      fd.close();
    }
  }
}
