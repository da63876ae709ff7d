package dev.molo.image.layer;

import dev.molo.image.Digest;
import dev.molo.linux.Hashing;
import java.io.IOException;
import java.io.InputStream;
import java.util.HexFormat;
import java.util.function.LongConsumer;

/**
 * Counts and hashes what passes. {@link #verify} tells whether it was what was promised; a stream
 * that is longer than promised fails as soon as that shows. One reader.
 */
final class VerifiedStream extends InputStream {
  private final InputStream in;
  private final Hashing.Hash hash;
  private final Digest expected;
  private final long limit;
  private final LongConsumer progress;
  private long count;

  /**
   * @param limit bytes allowed
   * @param progress hears the count after each read
   */
  VerifiedStream(
      Hashing hashing, InputStream in, Digest expected, long limit, LongConsumer progress) {
    this.in = in;
    this.hash = hashing.begin(function(expected.algorithm()));
    this.expected = expected;
    this.limit = limit;
    this.progress = progress;
  }

  /** What computes a digest. */
  static Hashing.Function function(Digest.Algorithm algorithm) {
    return switch (algorithm) {
      case SHA256 -> Hashing.Function.SHA256;
      case SHA512 -> Hashing.Function.SHA512;
    };
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
      hash.update(into, offset, n);
      count += n;
      if (count > limit) {
        throw new TarFormatException("it is longer than " + limit + " bytes");
      }
      progress.accept(count);
    }
    return n;
  }

  long count() {
    return count;
  }

  /** Reads what is left and compares. The stream is spent afterwards. */
  void verify(String what) throws IOException {
    byte[] rest = new byte[8192];
    while (read(rest, 0, rest.length) >= 0) {
      // read() counts and hashes
    }
    Digest actual = new Digest(expected.algorithm(), HexFormat.of().formatHex(hash.digest()));
    if (!actual.equals(expected)) {
      throw new TarFormatException(what + " has digest " + actual + " instead of " + expected);
    }
  }

  @Override
  public void close() throws IOException {
    hash.close();
    in.close();
  }
}
