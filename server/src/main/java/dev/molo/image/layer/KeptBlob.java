package dev.molo.image.layer;

import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Writes the blob that a layer comes as beside its files, as it is read. One reader. */
final class KeptBlob extends FilterInputStream {
  static final String FILE = "blob";

  private final Fd file;
  private final FdOutput out;

  /**
   * @param in closed with this, and when this cannot be made
   * @param directory the layer's own
   */
  KeptBlob(Files files, InputStream in, Fd directory) {
    super(in);
    int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_NOFOLLOW;
    try {
      file = files.openat2(directory, FILE, flags, 0600, OpenFlags.RESOLVE_BENEATH);
    } catch (LinuxException e) {
      closeQuietly(in, e);
      throw e;
    }
    out = new FdOutput(files, file);
  }

  private static void closeQuietly(InputStream in, LinuxException why) {
    try {
      in.close();
    } catch (IOException e) {
      why.addSuppressed(e);
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    int n = super.read(into, offset, length);
    if (n > 0) {
      out.write(into, offset, n);
    }
    return n;
  }

  @Override
  public void close() throws IOException {
    try (file) {
      super.close();
    }
  }
}
