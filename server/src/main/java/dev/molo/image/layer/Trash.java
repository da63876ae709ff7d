package dev.molo.image.layer;

import dev.molo.linux.DirEntry;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where what nobody wants any more goes: a rename, after which nobody sees it, and a deletion in
 * the background. What cannot be deleted is tried again at the next start. Thread-safe.
 */
final class Trash implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Trash.class);

  private final Files files;
  private final Path root;
  private final Fd directory;
  private final Executor deleter;
  private final AtomicLong sequence = new AtomicLong();

  /**
   * Opens it; {@link #empty} deletes what an earlier process left.
   *
   * @param root the image store, for messages
   * @param directory images/trash; owned by this
   * @param deleter one thread, ended by its owner before this is closed
   */
  Trash(Files files, Path root, Fd directory, Executor deleter) {
    this.files = files;
    this.root = root;
    this.directory = directory;
    this.deleter = deleter;
  }

  /** Deletes, in the background, what is there. */
  void empty() {
    for (DirEntry left : files.list(directory)) {
      deleteLater(left.name());
    }
  }

  /**
   * It goes.
   *
   * @return false when it is still there, because it cannot be moved; the log says why
   */
  boolean discard(Fd from, String name) {
    Move move = move(from, name);
    move.to().ifPresent(this::deleteLater);
    return move.done();
  }

  /**
   * The same, with something to be done in the background before it is deleted, and before what
   * comes later is.
   */
  boolean discard(Fd from, String name, Runnable before) {
    Move move = move(from, name);
    deleter.execute(before);
    move.to().ifPresent(this::deleteLater);
    return move.done();
  }

  /**
   * What became of something.
   *
   * @param done whether it is not where it was
   * @param to its name in the trash; empty when there was nothing
   */
  private record Move(boolean done, Optional<String> to) {}

  private Move move(Fd from, String name) {
    String moved = freshName();
    try {
      files.renameat2(from, name, directory, moved, 0);
      return new Move(true, Optional.of(moved));
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        return new Move(true, Optional.empty());
      }
      LOG.error("image store {}: {} cannot be moved to trash: {}", root, name, e.getMessage());
      return new Move(false, Optional.empty());
    }
  }

  /** What a failed layer leaves is gone before the failure is told. */
  void removeNow(Fd from, String name) {
    String moved = freshName();
    try {
      files.renameat2(from, name, directory, moved, 0);
      new TreeRemoval(files, directory).remove(moved);
    } catch (LinuxException e) {
      LOG.error(
          "image store {}: half-made {} cannot be deleted, the next start tries again: {}",
          root,
          name,
          e.getMessage());
    }
  }

  private String freshName() {
    return Long.toHexString(System.nanoTime()) + "-" + sequence.incrementAndGet();
  }

  private void deleteLater(String moved) {
    deleter.execute(() -> {
      try {
        new TreeRemoval(files, directory).remove(moved);
      } catch (CancellationException e) {
        LOG.info("image store {}: the next start goes on deleting trash/{}", root, moved);
      } catch (LinuxException e) {
        LOG.error(
            "image store {}: trash/{} cannot be deleted, the next start tries again: {}",
            root,
            moved,
            e.getMessage());
      }
    });
  }

  @Override
  public void close() {
    directory.close();
  }
}
