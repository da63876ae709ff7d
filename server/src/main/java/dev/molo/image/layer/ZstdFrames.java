package dev.molo.image.layer;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Passes a zstd stream on to its decoder and tells, before the decoder sees a frame, what window it
 * needs: memory that a stranger chooses, up to gigabytes. Knows frames and blocks by their headers
 * (RFC 8878, 3.1), looks at nothing else, and leaves it to the decoder to refuse what is wrong. One
 * reader.
 */
final class ZstdFrames extends FilterInputStream {
  private static final int MAGIC = 0xfd2fb528;
  private static final int SKIPPABLE = 0x184d2a50;
  private static final int CHECKSUM = 0x04;
  private static final int SINGLE_SEGMENT = 0x20;
  private static final int RLE = 1;
  private static final int BLOCK_HEADER = 3;

  /** Hears of each frame's window. */
  interface Listener {
    /**
     * Returns when the memory may be taken.
     *
     * @throws IOException when it may not
     */
    void needs(long window) throws IOException;
  }

  private enum Part {
    MAGIC,
    SKIPPED_LENGTH,
    DESCRIPTOR,
    HEADER,
    BLOCK,
    NOTHING_KNOWN
  }

  private final Listener listener;
  private final byte[] header = new byte[16];
  private Part part = Part.MAGIC;
  private int have;
  private int wanted = Integer.BYTES;
  private long passing;
  private int descriptor;

  ZstdFrames(InputStream in, Listener listener) {
    super(in);
    this.listener = listener;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    int n = in.read(into, offset, length);
    int at = offset;
    while (at < offset + n && part != Part.NOTHING_KNOWN) {
      if (passing > 0) {
        long passed = Math.min(passing, offset + n - at);
        at += (int) passed;
        passing -= passed;
        continue;
      }
      header[have++] = into[at++];
      if (have == wanted) {
        have = 0;
        understand();
      }
    }
    return n;
  }

  /** A part of a header is complete. */
  private void understand() throws IOException {
    switch (part) {
      case MAGIC -> {
        int magic = (int) number(0, Integer.BYTES);
        if (magic == MAGIC) {
          expect(Part.DESCRIPTOR, 1);
        } else if ((magic & ~0xf) == SKIPPABLE) {
          expect(Part.SKIPPED_LENGTH, Integer.BYTES);
        } else {
          part = Part.NOTHING_KNOWN;
        }
      }
      case SKIPPED_LENGTH -> {
        passing = number(0, Integer.BYTES);
        expect(Part.MAGIC, Integer.BYTES);
      }
      case DESCRIPTOR -> {
        descriptor = header[0] & 0xff;
        expect(Part.HEADER, windowBytes() + dictionaryBytes() + contentSizeBytes());
      }
      case HEADER -> {
        listener.needs(window());
        expect(Part.BLOCK, BLOCK_HEADER);
      }
      case BLOCK -> {
        int block = (int) number(0, BLOCK_HEADER);
        boolean last = (block & 1) != 0;
        int size = block >>> 3;
        passing = (block >>> 1 & 3) == RLE ? 1 : size;
        if (last) {
          passing += (descriptor & CHECKSUM) != 0 ? Integer.BYTES : 0;
          expect(Part.MAGIC, Integer.BYTES);
        }
      }
      case NOTHING_KNOWN -> throw new IllegalStateException("nothing is looked at any more");
    }
  }

  private void expect(Part next, int bytes) {
    part = next;
    wanted = bytes;
  }

  private boolean singleSegment() {
    return (descriptor & SINGLE_SEGMENT) != 0;
  }

  private int windowBytes() {
    return singleSegment() ? 0 : 1;
  }

  private int dictionaryBytes() {
    int flag = descriptor & 3;
    return flag == 3 ? 4 : flag;
  }

  private int contentSizeBytes() {
    int flag = descriptor >>> 6;
    return flag == 0 ? (singleSegment() ? 1 : 0) : 1 << flag;
  }

  /** As long as the content where that is one segment, else by exponent and mantissa. */
  private long window() {
    if (singleSegment()) {
      long size = number(dictionaryBytes(), contentSizeBytes());
      long window = contentSizeBytes() == 2 ? size + 256 : size;
      return window < 0 ? Long.MAX_VALUE : window;
    }
    long base = 1L << (10 + (header[0] >>> 3 & 0x1f));
    return base + base / 8 * (header[0] & 7);
  }

  /** Little-endian. */
  private long number(int at, int bytes) {
    long value = 0;
    for (int i = bytes - 1; i >= 0; i--) {
      value = value << 8 | (header[at + i] & 0xff);
    }
    return value;
  }
}
