package dev.molo.image.layer;

import dev.molo.image.Digest;
import dev.molo.linux.Hashing;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.LongConsumer;

/** As {@link VerifiedStream}, of a {@link BufferSource}. One reader. */
final class VerifiedBuffers implements BufferSource {
  private final BufferSource in;
  private final ExpectedContent content;

  /**
   * @param in closed with this
   * @param progress hears the count after each buffer
   */
  VerifiedBuffers(Hashing hashing, BufferSource in, Digest expected, LongConsumer progress) {
    this.in = in;
    this.content = new ExpectedContent(hashing, expected, Long.MAX_VALUE, progress);
  }

  @Override
  public ByteBuffer next() throws IOException {
    ByteBuffer buffer = in.next();
    content.add(buffer.duplicate());
    return buffer;
  }

  long count() {
    return content.count();
  }

  /** Reads what is left and compares. The source is spent afterwards. */
  void verify(String what) throws IOException {
    while (next().hasRemaining()) {
      // next() counts and hashes
    }
    content.verify(what);
  }

  @Override
  public void close() throws IOException {
    content.close();
    in.close();
  }
}
