package dev.molo.image.archive;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes a plain ustar archive of a few files (POSIX.1-1988; sizes above 8 GiB in base-256, as GNU
 * tar and everybody since reads them; names above 100 bytes, as blobs by sha512 have, in a pax
 * record of POSIX.1-2001). The same files make the same bytes. One thread.
 */
final class TarWriter implements ArchiveSink {
  private static final int BLOCK = 512;
  private static final int RECORD = 20 * BLOCK;
  private static final int MAX_NAME = 100;
  private static final long MAX_OCTAL = (1L << 33) - 1;

  private final OutputStream out;
  private long written;

  /**
   * @param out stays the caller's
   */
  TarWriter(OutputStream out) {
    this.out = out;
  }

  @Override
  public void file(String name, long size, InputStream content) throws IOException {
    byte[] named = name.getBytes(StandardCharsets.US_ASCII);
    if (named.length > MAX_NAME) {
      byte[] record = pathRecord(name);
      write(header("pax".getBytes(StandardCharsets.US_ASCII), record.length, 'x'));
      write(Arrays.copyOf(record, record.length + padding(record.length)));
    }
    write(header(Arrays.copyOf(named, Math.min(named.length, MAX_NAME)), size, '0'));
    byte[] buffer = new byte[64 << 10];
    long left = size;
    while (left > 0) {
      int n = content.read(buffer, 0, (int) Math.min(left, buffer.length));
      if (n < 0) {
        throw new IOException(name + " has " + (size - left) + " bytes instead of " + size);
      }
      out.write(buffer, 0, n);
      left -= n;
    }
    if (content.read() >= 0) {
      throw new IOException(name + " is longer than " + size + " bytes");
    }
    written += size;
    write(new byte[padding(size)]);
  }

  @Override
  public void end() throws IOException {
    write(new byte[2 * BLOCK]);
    write(new byte[(int) ((RECORD - written % RECORD) % RECORD)]);
    out.flush();
  }

  @Override
  public void abandon() {
    // who reads the stream is told that it broke off
  }

  private void write(byte[] bytes) throws IOException {
    out.write(bytes);
    written += bytes.length;
  }

  private static int padding(long size) {
    return (int) (-size & (BLOCK - 1));
  }

  /** {@code LENGTH path=NAME}, of which the length is a part. */
  private static byte[] pathRecord(String name) {
    String rest = " path=" + name + "\n";
    int length = rest.length() + 1;
    while (rest.length() + Integer.toString(length).length() != length) {
      length++;
    }
    return (length + rest).getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] header(byte[] named, long size, char type) {
    ByteArrayOutputStream block = new ByteArrayOutputStream(BLOCK);
    block.writeBytes(Arrays.copyOf(named, MAX_NAME));
    block.writeBytes(octal(0644, 8));
    block.writeBytes(octal(0, 8));
    block.writeBytes(octal(0, 8));
    block.writeBytes(size > MAX_OCTAL ? binary(size) : octal(size, 12));
    block.writeBytes(octal(0, 12));
    block.writeBytes("        ".getBytes(StandardCharsets.US_ASCII));
    block.write(type);
    block.writeBytes(new byte[100]);
    block.writeBytes("ustar\00000".getBytes(StandardCharsets.US_ASCII));
    byte[] header = Arrays.copyOf(block.toByteArray(), BLOCK);
    int sum = 0;
    for (byte b : header) {
      sum += b & 0xff;
    }
    System.arraycopy(octal(sum, 7), 0, header, 148, 7);
    return header;
  }

  /** Digits and a NUL. */
  private static byte[] octal(long value, int length) {
    String digits = Long.toOctalString(value);
    return ("0".repeat(length - 1 - digits.length()) + digits + "\0")
        .getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] binary(long value) {
    byte[] field = new byte[12];
    for (int i = 0; i < 8; i++) {
      field[11 - i] = (byte) (value >> (8 * i));
    }
    field[0] = (byte) 0x80;
    return field;
  }
}
