package dev.molo.app.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Objects;

/**
 * Reads a log file line by line, also while it grows and when it is renamed away and opened anew
 * (the kubelet's rotation): the old file is read to its end first. For one thread.
 */
final class LogFollower implements AutoCloseable {
  /** A CRI line holds 16 KiB of text and its prefix. */
  private static final int CHUNK = 1 << 16;

  private final Path file;
  private final LogPrinter printer;
  private FileChannel channel;
  private Object key;
  private byte[] pending = new byte[CHUNK];
  private int held;

  LogFollower(Path file, LogPrinter printer) {
    this.file = file;
    this.printer = printer;
  }

  /**
   * Prints what is there.
   *
   * @param tail how many lines at most; negative for all
   */
  void begin(long tail) throws IOException {
    if (open() && tail >= 0) {
      channel.position(startOfTail(tail));
    }
    pump();
  }

  /**
   * Prints what has been added.
   *
   * @return whether there was anything
   */
  boolean pump() throws IOException {
    if (channel == null && !open()) {
      return false;
    }
    // asked before reading: whoever rotates writes to the new file only from then on
    boolean rotated = rotated();
    boolean some = drain();
    if (rotated) {
      channel.close();
      channel = null;
      return true;
    }
    return some;
  }

  private boolean drain() throws IOException {
    boolean some = false;
    ByteBuffer buffer = ByteBuffer.allocate(CHUNK);
    while (channel.read(buffer.clear()) > 0) {
      some = true;
      take(buffer.array(), buffer.position());
    }
    return some;
  }

  private void take(byte[] bytes, int length) throws IOException {
    if (held + length > pending.length) {
      pending = Arrays.copyOf(pending, Math.max(pending.length * 2, held + length));
    }
    System.arraycopy(bytes, 0, pending, held, length);
    int end = held + length;
    int begin = 0;
    for (int i = held; i < end; i++) {
      if (pending[i] == '\n') {
        printer.line(pending, begin, i);
        begin = i + 1;
      }
    }
    held = end - begin;
    System.arraycopy(pending, begin, pending, 0, held);
  }

  private boolean open() throws IOException {
    try {
      channel = FileChannel.open(file, StandardOpenOption.READ);
    } catch (NoSuchFileException e) {
      // not written yet, or between the two steps of a rotation
      return false;
    }
    key = fileKey();
    return true;
  }

  private boolean rotated() throws IOException {
    Object now = fileKey();
    return now != null && !Objects.equals(now, key);
  }

  private Object fileKey() throws IOException {
    try {
      return Files.getAttribute(file, "unix:ino");
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** Reads backwards until enough newlines have been seen. */
  private long startOfTail(long lines) throws IOException {
    long position = channel.size();
    long seen = 0;
    ByteBuffer buffer = ByteBuffer.allocate(CHUNK);
    while (position > 0) {
      int size = (int) Math.min(CHUNK, position);
      buffer.clear().limit(size);
      channel.read(buffer, position - size);
      for (int i = buffer.position() - 1; i >= 0; i--) {
        boolean last = position - size + i == channel.size() - 1;
        if (buffer.get(i) == '\n' && !last && ++seen >= lines) {
          return position - size + i + 1;
        }
        if (last && lines == 0) {
          return channel.size();
        }
      }
      position -= size;
    }
    return 0;
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }
}
