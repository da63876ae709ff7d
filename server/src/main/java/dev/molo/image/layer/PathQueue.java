package dev.molo.image.layer;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Paths to be looked at later, first in, first out, however many: what does not fit a little memory
 * lies in a file without a name. Paths are bytes in Latin-1 strings. One thread.
 */
final class PathQueue implements AutoCloseable {
  /** Holds many paths, and one of the longest at least. */
  private static final int BLOCK = 64 << 10;

  private final Files files;
  private final Fd directory;
  private final ByteBuffer head = ByteBuffer.allocate(BLOCK).flip();
  private final ByteBuffer tail = ByteBuffer.allocate(BLOCK);
  private Optional<Fd> spilled = Optional.empty();
  private long written;
  private long read;

  /**
   * @param directory on the file system that takes what does not fit; it shows nothing of it
   */
  PathQueue(Files files, Fd directory) {
    this.files = files;
    this.directory = directory;
  }

  void add(String path) {
    byte[] bytes = path.getBytes(StandardCharsets.ISO_8859_1);
    if (tail.remaining() < Short.BYTES + bytes.length) {
      spill();
    }
    tail.putShort((short) bytes.length).put(bytes);
  }

  /** The one that has waited longest. */
  Optional<String> poll() {
    if (!head.hasRemaining() && !refill()) {
      return Optional.empty();
    }
    byte[] bytes = new byte[head.getShort() & 0xffff];
    head.get(bytes);
    return Optional.of(new String(bytes, StandardCharsets.ISO_8859_1));
  }

  /**
   * Blocks of one length, so that each is found again; what is behind a block's end is not read.
   */
  private void spill() {
    Fd file = spilled.orElseGet(this::openFile);
    tail.flip();
    ByteBuffer block = ByteBuffer.allocate(Integer.BYTES + BLOCK);
    block.putInt(tail.remaining()).put(tail).clear();
    for (long at = written; block.hasRemaining(); ) {
      at += files.pwrite(file, block, at);
    }
    written += block.capacity();
    tail.clear();
  }

  private Fd openFile() {
    Fd file =
        files.openat2(
            directory,
            ".",
            OpenFlags.O_TMPFILE | OpenFlags.O_RDWR,
            0600,
            OpenFlags.RESOLVE_BENEATH);
    spilled = Optional.of(file);
    return file;
  }

  private boolean refill() {
    head.clear();
    if (read < written) {
      ByteBuffer block = ByteBuffer.allocate(Integer.BYTES + BLOCK);
      for (long at = read; block.hasRemaining(); ) {
        int n = files.pread(spilled.orElseThrow(), block, at);
        if (n <= 0) {
          throw new LinuxException("pread", Errno.EIO, "paths laid aside ended early");
        }
        at += n;
      }
      read += block.capacity();
      block.flip();
      head.put(block.limit(Integer.BYTES + block.getInt()));
    } else {
      head.put(tail.flip());
      tail.clear();
    }
    return head.flip().hasRemaining();
  }

  @Override
  public void close() {
    spilled.ifPresent(Fd::close);
  }
}
