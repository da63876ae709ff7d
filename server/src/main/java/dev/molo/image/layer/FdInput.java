package dev.molo.image.layer;

import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** Reads a descriptor, which stays its owner's. LinuxException is not wrapped. One thread. */
final class FdInput extends InputStream {
  private static final int BUFFER = 64 << 10;

  private final Files files;
  private final Fd fd;
  private final ByteBuffer direct = ByteBuffer.allocateDirect(BUFFER);

  FdInput(Files files, Fd fd) {
    this.files = files;
    this.fd = fd;
  }

  @Override
  public int read() {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) {
    if (length == 0) {
      return 0;
    }
    direct.clear().limit(Math.min(length, BUFFER));
    int n = files.read(fd, direct);
    if (n <= 0) {
      return -1;
    }
    direct.flip().get(into, offset, n);
    return n;
  }
}
