package dev.molo.image.layer;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which boots ended while layers were being written. The file {@code images/unpacking} names the
 * boot from its first unpacked layer on; a daemon that ends in order takes it away. So when another
 * boot finds it, the machine went down with it. Needs no sync of its own: the one that makes an
 * image durable takes it along. Thread-safe.
 */
final class UncleanBoots {
  private static final Logger LOG = LoggerFactory.getLogger(UncleanBoots.class);
  private static final String FILE = "unpacking";

  private final Files files;
  private final RecordFile form;
  private final Fd directory;
  private final String boot;
  private final Optional<Set<String>> ended;
  private boolean settled;
  private boolean open;

  /**
   * @param directory images
   * @param boot this one
   */
  UncleanBoots(Files files, Fd directory, String boot) {
    this.files = files;
    this.form = new RecordFile(files, FILE, 1);
    this.directory = directory;
    this.boot = boot;
    this.ended = read();
    this.settled = ended.filter(Set::isEmpty).isPresent();
  }

  /** Empty when the file cannot be read, which is what a power cut leaves of it. */
  private Optional<Set<String>> read() {
    try {
      String text = new String(form.read(directory, FILE), StandardCharsets.UTF_8);
      Set<String> boots = new TreeSet<>(text.lines().toList());
      // Only the daemon ended: what it wrote is in the kernel's hands.
      open = boots.remove(boot);
      return Optional.of(boots);
    } catch (IOException | LinuxException e) {
      if (e instanceof LinuxException refused && refused.errno() == Errno.ENOENT) {
        return Optional.of(Set.of());
      }
      LOG.warn("images/{}: {}: all layers of earlier boots are verified", FILE, e.getMessage());
      return Optional.empty();
    }
  }

  /** Whether a boot ended in the middle of something. */
  boolean contains(String other) {
    return !other.equals(boot) && ended.map(boots -> boots.contains(other)).orElse(true);
  }

  /** Layers are being written from now on. */
  synchronized void open() {
    if (!open) {
      write(true);
      open = true;
    }
  }

  /**
   * Layers of this boot are here that an earlier daemon wrote. If it ended in order it took its
   * word away, though the machine goes on.
   */
  void reopen() {
    try {
      open();
    } catch (LinuxException e) {
      LOG.warn("images/{} cannot be written: {}; the next pull tries again", FILE, e.getMessage());
    }
  }

  /** What earlier boots left has been verified. */
  synchronized void settled() {
    if (!settled) {
      settled = true;
      write(open);
    }
  }

  /** The daemon ends in order. */
  synchronized void close() {
    write(false);
  }

  private void write(boolean withThis) {
    Set<String> boots = new TreeSet<>();
    if (!settled) {
      if (ended.isEmpty()) {
        // It stays unreadable until all is verified.
        return;
      }
      boots.addAll(ended.get());
    }
    if (withThis) {
      boots.add(boot);
    }
    if (boots.isEmpty()) {
      remove();
      return;
    }
    form.write(directory, FILE, String.join("\n", boots).getBytes(StandardCharsets.UTF_8), false);
  }

  private void remove() {
    try {
      files.unlinkat(directory, FILE, 0);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT) {
        throw LayerFaults.of("remove images/" + FILE, e);
      }
    }
  }
}
