package dev.molo.image.layer;

import dev.molo.image.Digest;
import dev.molo.linux.Hashing;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.function.LongConsumer;

/**
 * Counts and hashes content on its way, and tells at its end whether it was what was promised. One
 * thread.
 */
final class ExpectedContent implements AutoCloseable {
  private final Hashing.Hash hash;
  private final Digest expected;
  private final long limit;
  private final LongConsumer progress;

  /** Read by other threads too. */
  private volatile long count;

  /**
   * @param limit bytes allowed
   * @param progress hears the count after each piece
   */
  ExpectedContent(Hashing hashing, Digest expected, long limit, LongConsumer progress) {
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

  void add(byte[] bytes, int offset, int length) throws TarFormatException {
    hash.update(bytes, offset, length);
    counted(length);
  }

  /** {@code direct}: all that remains of it. */
  void add(ByteBuffer direct) throws TarFormatException {
    int length = direct.remaining();
    hash.update(direct);
    counted(length);
  }

  /** Content that is longer than promised fails as soon as that shows. */
  private void counted(int length) throws TarFormatException {
    long now = count + length;
    count = now;
    if (now > limit) {
      throw new TarFormatException("it is longer than " + limit + " bytes");
    }
    progress.accept(now);
  }

  long count() {
    return count;
  }

  /** All has been added. Once. */
  void verify(String what) throws TarFormatException {
    Digest actual = new Digest(expected.algorithm(), HexFormat.of().formatHex(hash.digest()));
    if (!actual.equals(expected)) {
      throw new TarFormatException(what + " has digest " + actual + " instead of " + expected);
    }
  }

  @Override
  public void close() {
    hash.close();
  }
}
