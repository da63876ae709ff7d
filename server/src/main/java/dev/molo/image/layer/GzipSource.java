package dev.molo.image.layer;

import dev.molo.linux.Inflation;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;

/**
 * gzip (RFC 1952) with any number of members. The JDK's own stream asks {@code available()} whether
 * another member follows, which a network cannot answer; this one reads until the end. One thread.
 */
final class GzipSource implements DirectSource {
  private static final int FHCRC = 2;
  private static final int FEXTRA = 4;
  private static final int FNAME = 8;
  private static final int FCOMMENT = 16;

  private final InputStream in;
  private final Inflation.Inflate inflater;
  private final CRC32 crc = new CRC32();
  private final byte[] buffer = new byte[Inflation.MAX_INPUT + Long.BYTES];
  private int at;
  private int limit;
  private long unpacked;
  private boolean inMember;
  private boolean atEnd;

  /** {@code inflater} is closed with this. */
  GzipSource(InputStream in, Inflation.Inflate inflater) {
    this.in = in;
    this.inflater = inflater;
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    while (!atEnd) {
      if (!inMember && !beginMember()) {
        atEnd = true;
        break;
      }
      int n = inflate(into);
      if (n > 0) {
        return n;
      }
    }
    return -1;
  }

  /** Zero when the member has ended. */
  private int inflate(ByteBuffer into) throws IOException {
    try {
      while (true) {
        int start = into.position();
        int n = inflater.inflate(into);
        if (n > 0) {
          crc.update(into.slice(start, n));
          unpacked += n;
          return n;
        }
        if (inflater.finished()) {
          endMember();
          return 0;
        }
        feed();
      }
    } catch (DataFormatException e) {
      throw new IOException("its gzip stream is damaged: " + e.getMessage(), e);
    }
  }

  private void feed() throws IOException {
    if (!fill()) {
      throw new EOFException("its gzip stream ends early");
    }
    inflater.input(buffer, at, limit - at);
    at = limit;
  }

  private boolean beginMember() throws IOException {
    if (at == limit && !fill()) {
      return false;
    }
    if (next() != 0x1f || next() != 0x8b || next() != 8) {
      throw new IOException("its gzip stream is followed by something else");
    }
    int flags = next();
    for (int i = 0; i < 6; i++) {
      next();
    }
    if ((flags & FEXTRA) != 0) {
      int extra = next() | next() << 8;
      for (int i = 0; i < extra; i++) {
        next();
      }
    }
    if ((flags & FNAME) != 0) {
      skipText();
    }
    if ((flags & FCOMMENT) != 0) {
      skipText();
    }
    if ((flags & FHCRC) != 0) {
      next();
      next();
    }
    inflater.reset();
    crc.reset();
    unpacked = 0;
    inMember = true;
    if (at < limit) {
      inflater.input(buffer, at, limit - at);
      at = limit;
    }
    return true;
  }

  private void endMember() throws IOException {
    byte[] rest = inflater.rest();
    // What is behind the member may have come with an earlier piece of input.
    System.arraycopy(rest, 0, buffer, 0, rest.length);
    at = 0;
    limit = rest.length;
    inMember = false;
    long statedCrc = next32();
    long statedSize = next32();
    if (statedCrc != crc.getValue() || statedSize != (unpacked & 0xffffffffL)) {
      throw new IOException("its gzip stream is damaged: the checksum does not match");
    }
  }

  private void skipText() throws IOException {
    int c;
    do {
      c = next();
    } while (c != 0);
  }

  private long next32() throws IOException {
    return next() | (long) next() << 8 | (long) next() << 16 | (long) next() << 24;
  }

  private int next() throws IOException {
    if (at == limit && !fill()) {
      throw new EOFException("its gzip stream ends early");
    }
    return buffer[at++] & 0xff;
  }

  private boolean fill() throws IOException {
    int n = in.read(buffer, 0, Inflation.MAX_INPUT);
    at = 0;
    limit = Math.max(n, 0);
    return n > 0;
  }

  @Override
  public void close() throws IOException {
    inflater.close();
    in.close();
  }
}
