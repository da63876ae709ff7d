package dev.molo.image.layer;

import dev.molo.image.Digest;
import dev.molo.linux.Hashing;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;

/**
 * Counts and hashes what passes. {@link #verify} tells whether it was what was promised; a stream
 * that is longer than promised fails as soon as that shows. One reader.
 */
final class VerifiedStream extends InputStream {
  private final InputStream in;
  private final ExpectedContent content;

  /**
   * @param limit bytes allowed
   * @param progress hears the count after each read
   */
  VerifiedStream(
      Hashing hashing, InputStream in, Digest expected, long limit, LongConsumer progress) {
    this.in = in;
    this.content = new ExpectedContent(hashing, expected, limit, progress);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    int n = in.read(into, offset, length);
    if (n > 0) {
      content.add(into, offset, n);
    }
    return n;
  }

  long count() {
    return content.count();
  }

  /** Reads what is left and compares. The stream is spent afterwards. */
  void verify(String what) throws IOException {
    byte[] rest = new byte[8192];
    while (read(rest, 0, rest.length) >= 0) {
      // read() counts and hashes
    }
    content.verify(what);
  }

  @Override
  public void close() throws IOException {
    content.close();
    in.close();
  }
}
