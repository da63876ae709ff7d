package dev.molo.image.layer;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Content as one buffer after the other, in memory that the kernel and native libraries can see:
 * what is decompressed is hashed and written where it lies, and never copied. One reader.
 */
interface BufferSource extends Closeable {

  /**
   * The next buffer: direct, full but for the last, empty at the end. It stays as it is until the
   * next call.
   */
  ByteBuffer next() throws IOException;

  /** A source's bytes by way of one buffer of its own. */
  static BufferSource of(DirectSource source) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(LayerBuffers.BUFFER);
    return new BufferSource() {
      @Override
      public ByteBuffer next() throws IOException {
        fill(buffer, source);
        return buffer;
      }

      @Override
      public void close() throws IOException {
        source.close();
      }
    };
  }

  /**
   * Fills a buffer anew, so that files are written in few big pieces.
   *
   * @param buffer from its beginning to where the source ends, if it does
   */
  static void fill(ByteBuffer buffer, DirectSource source) throws IOException {
    buffer.clear();
    int n = 0;
    while (n >= 0 && buffer.hasRemaining()) {
      n = source.read(buffer);
    }
    buffer.flip();
  }
}
