package dev.molo.image.layer;

import dev.molo.image.Digest;
import dev.molo.linux.Hashing;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HexFormat;

/** Hashes what is written through it; tells the digest once it is closed. One writer. */
public final class HashingOutput extends FilterOutputStream {
  private final Digest.Algorithm algorithm;
  private final Hashing.Hash hash;
  private String hex = "";

  HashingOutput(Hashing hashing, Digest.Algorithm algorithm, OutputStream out) {
    super(out);
    this.algorithm = algorithm;
    this.hash = hashing.begin(ExpectedContent.function(algorithm));
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    out.write(bytes, offset, length);
    hash.update(bytes, offset, length);
  }

  @Override
  public void close() throws IOException {
    if (hex.isEmpty()) {
      try (hash) {
        hex = HexFormat.of().formatHex(hash.digest());
      }
    }
    super.close();
  }

  /** Of all that was written. */
  public Digest digest() {
    return new Digest(algorithm, hex);
  }
}
