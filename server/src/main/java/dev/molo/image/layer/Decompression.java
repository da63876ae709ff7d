package dev.molo.image.layer;

import dev.molo.image.Cancellation;
import dev.molo.linux.Inflation;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.nio.ByteBuffer;

/**
 * From compressed bytes to a tar stream. What the bytes are is read off them (as containerd does):
 * registries are full of layers whose media type lies. A truncated stream is an IOException, never
 * a quiet end.
 */
public final class Decompression {
  private Decompression() {}

  /** As a stream, with what the JDK has, and memory of its own. */
  public static InputStream open(InputStream compressed) throws IOException {
    return open(compressed, Inflation.jdk());
  }

  /** The same by another inflater. */
  static InputStream open(InputStream compressed, Inflation inflation) throws IOException {
    ByteBuffer input = ByteBuffer.allocateDirect(ZstdSource.INPUT);
    DirectSource source =
        open(compressed, inflation, new ZstdWindows(), input, Cancellation.create());
    return new DirectInput(BufferSource.of(source));
  }

  /**
   * gzip (several members), zstd (several frames) or plain.
   *
   * @param compressed closed with the source
   * @param input direct, {@link ZstdSource#INPUT} bytes, for the source alone
   * @param cancellation ends a wait for memory
   */
  static DirectSource open(
      InputStream compressed,
      Inflation inflation,
      ZstdWindows windows,
      ByteBuffer input,
      Cancellation cancellation)
      throws IOException {
    PushbackInputStream in = new PushbackInputStream(compressed, 6);
    byte[] magic = new byte[6];
    int n = in.readNBytes(magic, 0, magic.length);
    in.unread(magic, 0, n);
    if (n >= 2 && is(magic, 0x1f, 0x8b)) {
      return new GzipSource(in, inflation.begin());
    }
    if (n >= 4 && (is(magic, 0x28, 0xb5, 0x2f, 0xfd) || isSkippableFrame(magic))) {
      return windows.open(in, input, cancellation);
    }
    if (n >= 3 && is(magic, 'B', 'Z', 'h')) {
      throw new IOException("it is compressed with bzip2; gzip, zstd and plain tar are supported");
    }
    if (n >= 6 && is(magic, 0xfd, '7', 'z', 'X', 'Z', 0)) {
      throw new IOException("it is compressed with xz; gzip, zstd and plain tar are supported");
    }
    return DirectSource.of(in);
  }

  private static boolean is(byte[] magic, int... expected) {
    for (int i = 0; i < expected.length; i++) {
      if ((magic[i] & 0xff) != expected[i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean isSkippableFrame(byte[] magic) {
    return (magic[0] & 0xf0) == 0x50
        && (magic[1] & 0xff) == 0x2a
        && (magic[2] & 0xff) == 0x4d
        && (magic[3] & 0xff) == 0x18;
  }
}
