package dev.molo.state;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * One record in one file: a header (magic, version, length, CRC-32C of the payload), then the
 * payload. Written whole by temp file and rename, so a reader sees the old or the new one.
 *
 * <p>Stateless; safe from many threads as long as one file has one writer at a time (its pod's
 * lane).
 */
final class RecordFile {
  /** "MOLO" in ASCII, big-endian. */
  private static final int MAGIC = 0x4d4f4c4f;

  private static final int VERSION = 1;
  private static final int HEADER_BYTES = 16;

  /** Far above what a request (16 MiB on the wire) can make of it. */
  private static final int MAX_PAYLOAD = 32 << 20;

  private RecordFile() {}

  /** A record that cannot be read: why, in words. */
  static final class Damaged extends Exception {
    Damaged(String why) {
      super(why);
    }
  }

  /** What a record is called until it is whole. */
  static String temporaryName(String name) {
    return name + ".tmp";
  }

  static void write(Path file, byte[] payload) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(HEADER_BYTES + payload.length);
    bytes.putInt(MAGIC).putInt(VERSION).putInt(payload.length).putInt(checksum(payload));
    bytes.put(payload).flip();
    Path temporary = file.resolveSibling(temporaryName(file.getFileName().toString()));
    try (FileChannel channel =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Empty when there is no such file. */
  static Optional<byte[]> read(Path file) throws IOException, Damaged {
    byte[] bytes;
    try {
      if (Files.size(file) > HEADER_BYTES + (long) MAX_PAYLOAD) {
        throw new Damaged("larger than any record");
      }
      bytes = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    if (bytes.length < HEADER_BYTES) {
      throw new Damaged("%d bytes, shorter than a header".formatted(bytes.length));
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    if (buffer.getInt() != MAGIC) {
      throw new Damaged("not a record of molo (no magic)");
    }
    int version = buffer.getInt();
    if (version != VERSION) {
      throw new Damaged("written in version %d, this molo reads %d".formatted(version, VERSION));
    }
    int length = buffer.getInt();
    int expected = buffer.getInt();
    if (length != buffer.remaining()) {
      throw new Damaged("torn: %d bytes of %d".formatted(buffer.remaining(), length));
    }
    byte[] payload = new byte[length];
    buffer.get(payload);
    if (checksum(payload) != expected) {
      throw new Damaged("checksum differs");
    }
    return Optional.of(payload);
  }

  private static int checksum(byte[] payload) {
    CRC32C crc = new CRC32C();
    crc.update(payload);
    return (int) crc.getValue();
  }
}
