package dev.molo.image.archive;

import dev.molo.image.Cancellation;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** A file's stream that ends when the caller has left. */
final class CancellableStream extends FilterInputStream {
  private final Cancellation cancellation;

  CancellableStream(InputStream in, Cancellation cancellation) {
    super(in);
    this.cancellation = cancellation;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    cancellation.check();
    return super.read(into, offset, length);
  }
}
