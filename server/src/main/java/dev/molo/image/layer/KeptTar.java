package dev.molo.image.layer;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What is kept of a layer's archive beside its files: its structure, and where each content lies.
 * The file {@code layers/NAME/tar} is a zstd stream of {@value #MAGIC} and these records, the last
 * of which is {@link End}.
 */
final class KeptTar {
  static final String FILE = "tar";
  static final String MAGIC = "molo-tar 1\n";
  static final int STRUCTURE = 'S';
  static final int CONTENT = 'C';
  static final int SET_ASIDE = 'A';
  static final int END = 'E';

  /** Bounds of what is read back: a damaged file must not make us allocate. */
  static final int MAX_STRUCTURE = 64 << 10;

  static final int MAX_SEGMENTS = 1 << 16;

  private KeptTar() {}

  /** One record. */
  sealed interface Piece {}

  /** Bytes of the archive itself. */
  record Structure(ByteBuffer bytes) implements Piece {}

  /** See {@link TarRecorder#content}. */
  record Content(String path, List<TarEntry.Segment> segments, int crc32c) implements Piece {
    Content {
      segments = List.copyOf(segments);
    }
  }

  /** See {@link TarRecorder#setAside}. */
  record SetAside(String path, int number) implements Piece {}

  /** Nothing was cut off. */
  record End(long tarBytes) implements Piece {}

  /** Reads what {@link KeptTarWriter} wrote, after the magic. */
  static Piece read(DataInputStream in) throws IOException {
    int kind = in.readUnsignedByte();
    return switch (kind) {
      case STRUCTURE -> structure(in);
      case CONTENT -> new Content(path(in), segments(in), in.readInt());
      case SET_ASIDE -> new SetAside(path(in), in.readInt());
      case END -> new End(in.readLong());
      default -> throw new IOException("a record of the unknown kind " + kind);
    };
  }

  static void checkMagic(DataInputStream in) throws IOException {
    byte[] magic = in.readNBytes(MAGIC.length());
    if (!MAGIC.equals(new String(magic, StandardCharsets.ISO_8859_1))) {
      throw new IOException("it is of another form or version");
    }
  }

  private static Structure structure(DataInputStream in) throws IOException {
    int length = in.readInt();
    if (length < 0 || length > MAX_STRUCTURE) {
      throw new IOException("a record of " + length + " bytes");
    }
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("it ends early");
    }
    return new Structure(ByteBuffer.wrap(bytes));
  }

  private static String path(DataInputStream in) throws IOException {
    byte[] bytes = in.readNBytes(in.readUnsignedShort());
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static List<TarEntry.Segment> segments(DataInputStream in) throws IOException {
    int count = in.readInt();
    if (count < 0 || count > MAX_SEGMENTS) {
      throw new IOException("a content of " + count + " segments");
    }
    List<TarEntry.Segment> segments = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      segments.add(new TarEntry.Segment(in.readLong(), in.readLong()));
    }
    return segments;
  }
}
