package dev.molo.image.layer;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * Bytes that come straight into memory that the kernel and native libraries can see: what is
 * decompressed is hashed and written where it lies, and never copied. One reader.
 */
interface DirectSource extends Closeable {

  /**
   * Reads some bytes, one at least.
   *
   * @param into direct, with room; its position moves behind them
   * @return how many; -1 at the end
   */
  int read(ByteBuffer into) throws IOException;

  /** The bytes of a stream, by way of the heap. Closes it. */
  static DirectSource of(InputStream in) {
    byte[] piece = new byte[16 << 10];
    return new DirectSource() {
      @Override
      public int read(ByteBuffer into) throws IOException {
        int n = in.read(piece, 0, Math.min(piece.length, into.remaining()));
        if (n > 0) {
          into.put(piece, 0, n);
        }
        return n;
      }

      @Override
      public void close() throws IOException {
        in.close();
      }
    };
  }
}
