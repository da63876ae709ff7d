package dev.molo.image.layer;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Hashing;
import java.io.IOException;
import java.io.InputStream;

/**
 * A layer's tar for those who only want to read it: compared with the diffID at its end, and what
 * is wrong is a fault that says how to mend it. One reader.
 */
final class ArchiveStream extends InputStream {
  private final StoredLayer layer;
  private final Fd directory;
  private final VerifiedStream tar;
  private boolean verified;

  /** {@code directory}: the layer's own; closed with this, and when this cannot be opened. */
  ArchiveStream(
      Files files, Hashing hashing, Fd directory, StoredLayer layer, Cancellation cancellation)
      throws IOException {
    this.layer = layer;
    this.directory = directory;
    try {
      this.tar =
          new VerifiedStream(
              hashing,
              new RebuiltTar(files, directory),
              layer.diffId(),
              Long.MAX_VALUE,
              _ -> cancellation.check());
    } catch (IOException | RuntimeException e) {
      directory.close();
      throw e;
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) {
    try {
      int n = tar.read(into, offset, length);
      if (n < 0 && !verified) {
        tar.verify("the archive made again");
        verified = true;
      }
      return n;
    } catch (IOException e) {
      throw damaged(layer, e);
    }
  }

  static FaultException damaged(StoredLayer layer, IOException e) {
    return new FaultException(
        Fault.INTERNAL,
        "layer %s is damaged: %s; `molo image verify --repair` fetches it again"
            .formatted(layer.diffId(), e.getMessage()),
        e);
  }

  @Override
  public void close() throws IOException {
    try (directory) {
      tar.close();
    }
  }
}
