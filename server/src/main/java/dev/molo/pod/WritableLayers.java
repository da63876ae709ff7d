package dev.molo.pod;

import dev.molo.spec.ContainerId;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * How much disk the writable layers of containers take. Counting means walking, so an answer may be
 * up to {@link #MAX_AGE_NANOS} old; an older one is counted anew in the background and the old
 * figure given meanwhile. The first figure of a container is counted at once.
 *
 * <p>Thread-safe. At most one walk goes on at a time in the background.
 */
final class WritableLayers {
  static final long MAX_AGE_NANOS = 10_000_000_000L;

  private final Node node;
  private final Map<ContainerId, Size> sizes = new ConcurrentHashMap<>();
  private final AtomicBoolean counting = new AtomicBoolean();

  WritableLayers(Node node) {
    this.node = node;
  }

  /**
   * @param bytes allocated on disk
   * @param inodes files, folders and links
   * @param path the layer's folder on the host
   * @param at when it was counted, ns since the epoch
   */
  record Size(long bytes, long inodes, String path, long at) {}

  Size size(Container container) {
    Size known = sizes.computeIfAbsent(container.id(), id -> count(container));
    if (node.now() - known.at() > MAX_AGE_NANOS && counting.compareAndSet(false, true)) {
      node.threads().execute(this::countAll);
    }
    return known;
  }

  private void countAll() {
    try {
      sizes.keySet().removeIf(id -> node.containers().exact(id.value()).isEmpty());
      for (Container container : node.containers().all()) {
        if (sizes.containsKey(container.id())) {
          sizes.put(container.id(), count(container));
        }
      }
    } finally {
      counting.set(false);
    }
  }

  private Size count(Container container) {
    Path upper = node.store().folder(container.pod().id(), container.id()).resolve("upper");
    Counter counter = new Counter();
    try {
      Files.walkFileTree(upper, counter);
    } catch (IOException gone) {
      // removed while we walk: what was counted so far is as true as anything
    }
    return new Size(counter.bytes, counter.inodes, upper.toString(), node.now());
  }

  private static final class Counter extends SimpleFileVisitor<Path> {
    private long bytes;
    private long inodes;

    @Override
    public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
      inodes++;
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
      inodes++;
      bytes += allocated(attributes);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException gone) {
      return FileVisitResult.CONTINUE;
    }

    /** In whole blocks: what a sparse file would allocate is not told by its attributes. */
    private static long allocated(BasicFileAttributes attributes) {
      return attributes.isRegularFile() ? (attributes.size() + 4095) / 4096 * 4096 : 0;
    }
  }
}
