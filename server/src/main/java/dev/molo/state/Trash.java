package dev.molo.state;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Phaser;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes folders in the background. Taking one is a rename on the same file system, so it costs
 * little, works on a full disk, and is whole or not at all. What a former daemon left is deleted
 * too.
 *
 * <p>Thread-safe. One daemon thread, which ends when there is nothing to do. The queue holds names
 * only; what is not deleted yet is on disk.
 */
final class Trash {
  private static final Logger log = LoggerFactory.getLogger(Trash.class);

  private final Path folder;
  private final AtomicLong counter = new AtomicLong();
  private final Phaser pending = new Phaser(1);
  private final ThreadPoolExecutor deleter;

  Trash(Path folder) {
    this.folder = folder;
    this.deleter =
        new ThreadPoolExecutor(
            1,
            1,
            5,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("molo-trash").factory());
    deleter.allowCoreThreadTimeOut(true);
    try {
      Files.createDirectories(folder);
      try (Stream<Path> left = Files.list(folder)) {
        left.forEach(this::deleteLater);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("look for what is left to delete in " + folder, e);
    }
  }

  void take(Path tree) {
    Path target =
        folder.resolve(
            "%s-%d-%d".formatted(tree.getFileName(), System.nanoTime(), counter.incrementAndGet()));
    try {
      Files.move(tree, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException gone) {
      return;
    } catch (IOException e) {
      throw new UncheckedIOException("move " + tree + " away to delete it", e);
    }
    deleteLater(target);
  }

  int size() {
    try (Stream<Path> left = Files.list(folder)) {
      return Math.toIntExact(left.count());
    } catch (IOException e) {
      throw new UncheckedIOException("list " + folder, e);
    }
  }

  void await() {
    pending.awaitAdvance(pending.arrive());
  }

  private void deleteLater(Path tree) {
    pending.register();
    deleter.execute(() -> {
      try {
        delete(tree);
      } catch (IOException e) {
        log.warn("cannot delete {}; it is tried again at the next start", tree, e);
      } finally {
        pending.arriveAndDeregister();
      }
    });
  }

  private static void delete(Path tree) throws IOException {
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, IOException e) throws IOException {
            if (e != null) {
              throw e;
            }
            Files.deleteIfExists(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
