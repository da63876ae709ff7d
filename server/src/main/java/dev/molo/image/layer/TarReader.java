package dev.molo.image.layer;

import dev.molo.linux.TimeSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Reads a tar archive as a stream: ustar, PAX (POSIX.1-2001), GNU long names, GNU sparse files in
 * their four spellings, base-256 numbers (tar(5), and GNU tar's manual for sparse files). Every
 * length is bounded. One thread.
 */
final class TarReader {
  static final int BLOCK = 512;

  /** PAX records and long names of one entry; the same bound as Go's archive/tar has. */
  private static final int MAX_EXTENSION = 1 << 20;

  /** Of a sparse file. */
  static final int MAX_SEGMENTS = 1 << 16;

  private final InputStream in;

  /** The same; null where content is skipped. */
  private final DirectInput direct;

  private final TarRecorder recorder;
  private final byte[] block = new byte[BLOCK];
  private final byte[] skipBuffer = new byte[16 << 10];
  private final CRC32C crc = new CRC32C();
  private PaxRecords global = PaxRecords.empty();
  private long remaining;
  private int padding;
  private boolean open;
  private String goesTo;
  private List<TarEntry.Segment> goesToSegments = List.of();

  TarReader(DirectInput in, TarRecorder recorder) {
    this(in, in, recorder);
  }

  /** A reader that nobody listens to: what is not read is skipped in the stream itself. */
  TarReader(InputStream in) {
    this(in, null, TarRecorder.none());
  }

  private TarReader(InputStream in, DirectInput direct, TarRecorder recorder) {
    this.in = in;
    this.direct = direct;
    this.recorder = recorder;
  }

  /**
   * The next entry; what was left unread of the one before is skipped. Empty at the end of the
   * archive.
   */
  Optional<TarEntry> next() throws IOException {
    finishContent();
    PaxRecords local = PaxRecords.empty();
    Optional<String> longName = Optional.empty();
    Optional<String> longLink = Optional.empty();
    while (true) {
      if (!readHeader()) {
        drain();
        return Optional.empty();
      }
      TarHeader header = TarHeader.parse(block);
      switch (header.flag()) {
        case 'x', 'X' -> local = PaxRecords.parse(extension(header.size()), PaxRecords.empty());
        case 'g' -> global = PaxRecords.parse(extension(header.size()), global);
        case 'L' -> longName = Optional.of(untilNul(extension(header.size())));
        case 'K' -> longLink = Optional.of(untilNul(extension(header.size())));
        default -> {
          return Optional.of(entry(header, local.over(global), longName, longLink));
        }
      }
    }
  }

  /** Reads stored content of the current entry; -1 at its end. */
  int read(byte[] into, int offset, int length) throws IOException {
    if (remaining == 0) {
      return -1;
    }
    int n = in.read(into, offset, (int) Math.min(length, remaining));
    if (n < 0) {
      throw new TarFormatException("the archive ends in the middle of a file's content");
    }
    crc.update(into, offset, n);
    remaining -= n;
    return n;
  }

  /**
   * The next of the current entry's stored content, up to {@code most} bytes and one at least. They
   * stay as they are until something is read again. Not for a reader that skips content.
   */
  ByteBuffer content(long most) throws IOException {
    if (remaining == 0) {
      throw new TarFormatException("its content ends early");
    }
    ByteBuffer piece = direct.next((int) Math.min(Math.min(most, remaining), Integer.MAX_VALUE));
    if (!piece.hasRemaining()) {
      throw new TarFormatException("the archive ends in the middle of a file's content");
    }
    crc.update(piece.duplicate());
    remaining -= piece.remaining();
    return piece;
  }

  private TarEntry entry(
      TarHeader header, PaxRecords pax, Optional<String> longName, Optional<String> longLink)
      throws IOException {
    long stored = pax.number("size").orElse(header.size());
    TarEntry.Type type = header.type(longName.orElse(header.name()));
    boolean hasContent = type == TarEntry.Type.REGULAR;
    if (!hasContent) {
      // Header-only types carry no content whatever their size field says, as Go's reader has it.
      stored = 0;
    }
    beginContent(stored);
    List<TarEntry.Segment> segments = List.of(new TarEntry.Segment(0, stored));
    long size = stored;
    if (hasContent && header.flag() == 'S') {
      SparseMap map = oldSparse(header);
      segments = map.segments();
      size = map.realSize();
    } else if (hasContent && pax.isSparse()) {
      SparseMap map = pax.sparseInData() ? sparseInData(pax) : pax.sparseMap();
      segments = map.segments();
      size = map.realSize();
    }
    checkSegments(segments, size);
    return new TarEntry(
        pax.text("GNU.sparse.name")
            .or(() -> pax.text("path"))
            .or(() -> longName)
            .orElse(header.name()),
        type,
        header.mode() & 07777,
        pax.number("uid").orElse(header.uid()),
        pax.number("gid").orElse(header.gid()),
        size,
        pax.time("mtime").orElse(new TimeSpec(header.mtime(), 0)),
        pax.text("linkpath").or(() -> longLink).orElse(header.linkName()),
        header.major(),
        header.minor(),
        pax.xattrs(),
        segments);
  }

  private void beginContent(long length) {
    remaining = length;
    padding = (int) (-length & (BLOCK - 1));
    crc.reset();
    goesTo = "";
    open = true;
  }

  /**
   * The current entry's stored content is about to be read into a file.
   *
   * @param path below the layer's root
   */
  void goesTo(String path, List<TarEntry.Segment> segments) {
    goesTo = remaining > 0 ? path : "";
    goesToSegments = segments;
  }

  private void finishContent() throws IOException {
    if (!open) {
      return;
    }
    if (direct == null && remaining > 0) {
      in.skipNBytes(remaining);
      remaining = 0;
    }
    open = false;
    if (!goesTo.isEmpty()) {
      if (remaining > 0) {
        throw new IllegalStateException(remaining + " bytes of " + goesTo + " were not read");
      }
      recorder.content(goesTo, goesToSegments, (int) crc.getValue());
    }
    while (remaining > 0) {
      // Of no file, as the content that a whiteout should not have.
      int n = read(skipBuffer, 0, skipBuffer.length);
      recorder.structure(skipBuffer, 0, n);
    }
    if (padding > 0) {
      readStructure(block, padding);
    }
  }

  /** The segments have to be ordered, apart, inside the file, and to add up to the stored bytes. */
  private void checkSegments(List<TarEntry.Segment> segments, long size) throws IOException {
    long end = 0;
    long sum = 0;
    for (TarEntry.Segment segment : segments) {
      if (segment.offset() < end
          || segment.length() < 0
          || segment.offset() > size - segment.length()) {
        throw new TarFormatException("a sparse file's map is out of order or outside the file");
      }
      end = segment.offset() + segment.length();
      sum += segment.length();
    }
    if (sum != remaining) {
      throw new TarFormatException(
          "a sparse file's map covers " + sum + " bytes, stored are " + remaining);
    }
  }

  private SparseMap oldSparse(TarHeader header) throws IOException {
    List<TarEntry.Segment> segments = new ArrayList<>();
    TarHeader.sparseEntries(block, 386, 4, segments);
    boolean more = block[482] != 0;
    long realSize = header.realSize();
    while (more) {
      // The map's further blocks stand between header and content, and are not counted in the size
      // field.
      readStructure(block, BLOCK);
      TarHeader.sparseEntries(block, 0, 21, segments);
      more = block[504] != 0;
      if (segments.size() > MAX_SEGMENTS) {
        throw new TarFormatException("a sparse file has more than " + MAX_SEGMENTS + " segments");
      }
    }
    return new SparseMap(realSize, segments);
  }

  /** Sparse format 1.0: decimal lines at the start of the content, padded to a block. */
  private SparseMap sparseInData(PaxRecords pax) throws IOException {
    SparseLines lines = new SparseLines();
    long count = lines.next();
    if (count > MAX_SEGMENTS) {
      throw new TarFormatException("a sparse file has more than " + MAX_SEGMENTS + " segments");
    }
    List<TarEntry.Segment> segments = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      long offset = lines.next();
      segments.add(new TarEntry.Segment(offset, lines.next()));
    }
    // The map is no part of the file.
    crc.reset();
    return new SparseMap(pax.realSize(), segments);
  }

  /** Numbers, one a line, out of whole blocks of the content. */
  private final class SparseLines {
    private final byte[] lines = new byte[BLOCK];
    private int at = BLOCK;

    long next() throws IOException {
      long value = 0;
      for (int digits = 0; digits < 19; digits++) {
        int c = nextByte();
        if (c == '\n' && digits > 0) {
          return value;
        }
        if (c < '0' || c > '9') {
          break;
        }
        value = value * 10 + (c - '0');
      }
      throw new TarFormatException("a sparse file's map is not made of numbers");
    }

    private int nextByte() throws IOException {
      if (at == BLOCK) {
        int have = 0;
        while (have < BLOCK) {
          int n = read(lines, have, BLOCK - have);
          if (n < 0) {
            throw new TarFormatException("a sparse file's map is cut short");
          }
          have += n;
        }
        recorder.structure(lines, 0, BLOCK);
        at = 0;
      }
      return lines[at++];
    }
  }

  /** False at the end: two zero blocks, one and the end of the stream, or the end of the stream. */
  private boolean readHeader() throws IOException {
    int n = in.readNBytes(block, 0, BLOCK);
    recorder.structure(block, 0, n);
    if (n == 0) {
      return false;
    }
    if (n < BLOCK) {
      throw new TarFormatException("the archive ends in the middle of a header");
    }
    return !isZero(block);
  }

  private static boolean isZero(byte[] bytes) {
    for (byte b : bytes) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  /** What follows the end of the archive is part of the digest, and of nothing else. */
  private void drain() throws IOException {
    int n;
    while ((n = in.read(skipBuffer, 0, skipBuffer.length)) >= 0) {
      recorder.structure(skipBuffer, 0, n);
    }
  }

  private byte[] extension(long size) throws IOException {
    if (size > MAX_EXTENSION) {
      throw new TarFormatException(
          "an extended header has " + size + " bytes; " + MAX_EXTENSION + " are allowed");
    }
    byte[] bytes = new byte[(int) size];
    readStructure(bytes, bytes.length);
    int pad = (int) (-size & (BLOCK - 1));
    if (pad > 0) {
      readStructure(block, pad);
    }
    return bytes;
  }

  private void readStructure(byte[] into, int length) throws IOException {
    if (in.readNBytes(into, 0, length) < length) {
      throw new TarFormatException("the archive ends early");
    }
    recorder.structure(into, 0, length);
  }

  private static String untilNul(byte[] bytes) {
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, 0, end, StandardCharsets.ISO_8859_1);
  }

  /** What the header block or the PAX records say about a sparse file. */
  record SparseMap(long realSize, List<TarEntry.Segment> segments) {}
}
