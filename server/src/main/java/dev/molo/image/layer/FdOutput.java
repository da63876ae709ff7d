package dev.molo.image.layer;

import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/** Writes to a descriptor, which stays its owner's. LinuxException is not wrapped. One thread. */
final class FdOutput extends OutputStream {
  private final Files files;
  private final Fd fd;

  FdOutput(Files files, Fd fd) {
    this.files = files;
    this.fd = fd;
  }

  @Override
  public void write(int b) {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    files.writeFully(fd, ByteBuffer.wrap(bytes, offset, length));
  }
}
