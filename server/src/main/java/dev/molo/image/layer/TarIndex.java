package dev.molo.image.layer;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Quoted;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where the files of an uncompressed tar lie in it. Links are followed by name, within the archive.
 * Immutable.
 */
public final class TarIndex {
  private static final int MAX_ENTRIES = 100_000;

  /** Bytes of all names and targets, which are held. */
  private static final long MAX_NAMES = 8 << 20;

  private static final int MAX_LINKS = 8;

  private final FileChannel archive;
  private final Map<String, Extent> files = new HashMap<>();
  private final Map<String, String> links = new HashMap<>();
  private long names;

  /** Bytes of the archive. */
  private record Extent(long offset, long size) {}

  private TarIndex(FileChannel archive) {
    this.archive = archive;
  }

  /**
   * Reads all headers, skipping over the contents.
   *
   * @param what for messages
   * @param archive stays open as long as this is used; its position is not
   */
  public static TarIndex of(String what, FileChannel archive) {
    TarIndex index = new TarIndex(archive);
    try (PositionedStream in = new PositionedStream(archive)) {
      index.scan(in);
    } catch (IOException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT,
          what
              + " is not a tar archive that can be read: "
              + (e instanceof EOFException ? "it ends too early" : e.getMessage()),
          e);
    }
    return index;
  }

  private void scan(PositionedStream in) throws IOException {
    TarReader reader = new TarReader(in);
    for (Optional<TarEntry> next = reader.next(); next.isPresent(); next = reader.next()) {
      TarEntry entry = next.get();
      names += entry.name().length() + entry.linkName().length();
      if (names > MAX_NAMES) {
        throw new TarFormatException("its names have more than " + MAX_NAMES + " bytes");
      }
      String name = String.join("/", LayerTree.components(entry.name()));
      switch (entry.type()) {
        case REGULAR -> files.put(name, new Extent(in.position(), entry.size()));
        case HARD_LINK -> links.put(name, String.join("/", LayerTree.components(entry.linkName())));
        case SYMBOLIC_LINK -> links.put(name, besides(name, entry.linkName()));
        default -> {}
      }
      if (files.size() + links.size() > MAX_ENTRIES) {
        throw new TarFormatException("it has more than " + MAX_ENTRIES + " entries");
      }
    }
  }

  /** What a symbolic link in the directory of {@code name} points to. */
  private static String besides(String name, String target) {
    List<String> path = new ArrayList<>();
    String from =
        target.startsWith("/") ? "" : name.substring(0, Math.max(0, name.lastIndexOf('/')));
    for (String part : (from + "/" + target).split("/", -1)) {
      if (part.equals("..")) {
        if (!path.isEmpty()) {
          path.removeLast();
        }
      } else if (!part.isEmpty() && !part.equals(".")) {
        path.add(part);
      }
    }
    return String.join("/", path);
  }

  /** The size of a file, when there is one of this name. */
  public Optional<Long> size(String name) {
    return extent(name).map(Extent::size);
  }

  /** A file's content. */
  public InputStream open(String name) {
    Extent extent =
        extent(name)
            .orElseThrow(() ->
                new FaultException(
                    Fault.INVALID_ARGUMENT, "the archive has no file " + Quoted.of(name)));
    return new ExtentStream(archive, extent.offset(), extent.size());
  }

  private Optional<Extent> extent(String name) {
    String at = latin1(name);
    for (int i = 0; i < MAX_LINKS && links.containsKey(at); i++) {
      at = links.get(at);
    }
    return Optional.ofNullable(files.get(at));
  }

  private static String latin1(String name) {
    return new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }

  /** The archive from its start, which knows where it is and skips by not reading. */
  private static final class PositionedStream extends InputStream {
    private final ExtentStream file;
    private final BufferedInputStream buffered;
    private long position;

    PositionedStream(FileChannel archive) throws IOException {
      file = new ExtentStream(archive, 0, archive.size());
      buffered = new BufferedInputStream(file, 8192);
    }

    long position() {
      return position;
    }

    @Override
    public int read() throws IOException {
      int c = buffered.read();
      position += c < 0 ? 0 : 1;
      return c;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      int n = buffered.read(into, offset, length);
      position += Math.max(n, 0);
      return n;
    }

    @Override
    public long skip(long n) throws IOException {
      long skipped = buffered.skip(n);
      position += skipped;
      return skipped;
    }
  }

  /** A part of a file; several can be read at once. */
  private static final class ExtentStream extends InputStream {
    private final FileChannel archive;
    private final long end;
    private long at;

    ExtentStream(FileChannel archive, long offset, long size) {
      this.archive = archive;
      this.at = offset;
      this.end = offset + size;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (at >= end) {
        return -1;
      }
      int n = archive.read(ByteBuffer.wrap(into, offset, (int) Math.min(length, end - at)), at);
      at += Math.max(n, 0);
      return n;
    }

    @Override
    public long skip(long n) {
      long skipped = Math.clamp(n, 0, end - at);
      at += skipped;
      return skipped;
    }
  }
}
