package dev.molo.image.layer;

import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.OpenFlags;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Writes the records of {@link KeptTar} while an archive is unpacked. One thread. */
final class KeptTarWriter implements TarRecorder, AutoCloseable {
  /** Headers shrink to a tenth at the quickest level. */
  private static final int LEVEL = 1;

  private static final int BUFFER = 16 << 10;

  private final Fd file;
  private final DataOutputStream out;
  private final byte[] pending;
  private int pendingBytes;

  /**
   * @param directory the layer's own, where the file is made
   * @param pending for this alone; {@link KeptTar#MAX_STRUCTURE} bytes at most
   */
  KeptTarWriter(Files files, Fd directory, byte[] pending) throws IOException {
    this.pending = pending;
    int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_NOFOLLOW;
    file = files.openat2(directory, KeptTar.FILE, flags, 0600, OpenFlags.RESOLVE_BENEATH);
    try {
      // Records are small, and each write into the compressor is a native call.
      out =
          new DataOutputStream(
              new BufferedOutputStream(
                  new ZstdOutputStreamNoFinalizer(new FdOutput(files, file), LEVEL), BUFFER));
      out.writeBytes(KeptTar.MAGIC);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  @Override
  public void structure(byte[] bytes, int offset, int length) throws IOException {
    int at = offset;
    int left = length;
    while (left > 0) {
      if (pendingBytes == pending.length) {
        flushStructure();
      }
      int n = Math.min(left, pending.length - pendingBytes);
      System.arraycopy(bytes, at, pending, pendingBytes, n);
      pendingBytes += n;
      at += n;
      left -= n;
    }
  }

  @Override
  public void content(String path, List<TarEntry.Segment> segments, int crc32c) throws IOException {
    flushStructure();
    out.writeByte(KeptTar.CONTENT);
    path(path);
    out.writeInt(segments.size());
    for (TarEntry.Segment segment : segments) {
      out.writeLong(segment.offset());
      out.writeLong(segment.length());
    }
    out.writeInt(crc32c);
  }

  @Override
  public void setAside(String path, int number) throws IOException {
    flushStructure();
    out.writeByte(KeptTar.SET_ASIDE);
    path(path);
    out.writeInt(number);
  }

  /** All has been heard. */
  void end(long tarBytes) throws IOException {
    flushStructure();
    out.writeByte(KeptTar.END);
    out.writeLong(tarBytes);
    out.flush();
  }

  private void flushStructure() throws IOException {
    if (pendingBytes > 0) {
      out.writeByte(KeptTar.STRUCTURE);
      out.writeInt(pendingBytes);
      out.write(pending, 0, pendingBytes);
      pendingBytes = 0;
    }
  }

  private void path(String path) throws IOException {
    byte[] bytes = path.getBytes(StandardCharsets.ISO_8859_1);
    out.writeShort(bytes.length);
    out.write(bytes);
  }

  @Override
  public void close() throws IOException {
    try (file) {
      out.close();
    }
  }
}
