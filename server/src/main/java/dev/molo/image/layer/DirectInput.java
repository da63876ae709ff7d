package dev.molo.image.layer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * A {@link BufferSource} as a stream, of which {@link #next} gives pieces as they lie in the
 * buffer. One reader.
 */
final class DirectInput extends InputStream {
  private final BufferSource source;
  private ByteBuffer buffer = ByteBuffer.allocate(0);

  /** {@code source} is closed with this. */
  DirectInput(BufferSource source) {
    this.source = source;
  }

  /**
   * The next bytes, one to {@code most} of them, none at the end. They stay as they are until
   * something is read again.
   */
  ByteBuffer next(int most) throws IOException {
    if (!buffer.hasRemaining()) {
      buffer = source.next();
    }
    int n = Math.min(most, buffer.remaining());
    ByteBuffer piece = buffer.slice(buffer.position(), n);
    buffer.position(buffer.position() + n);
    return piece;
  }

  @Override
  public int read() throws IOException {
    ByteBuffer one = next(1);
    return one.hasRemaining() ? one.get() & 0xff : -1;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    ByteBuffer piece = next(length);
    int n = piece.remaining();
    piece.get(into, offset, n);
    return n == 0 ? -1 : n;
  }

  @Override
  public void close() throws IOException {
    source.close();
  }
}
