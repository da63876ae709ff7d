package dev.molo.image.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import dev.molo.image.TarBytes;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class DecompressionTest {
  private static final byte[] TEXT = "molo ".repeat(30_000).getBytes(StandardCharsets.US_ASCII);

  private static byte[] read(byte[] compressed) throws IOException {
    try (InputStream in = Decompression.open(new Trickle(compressed))) {
      return in.readAllBytes();
    }
  }

  /** Gives one to three bytes at a time and never says what is available, as a network does. */
  private static final class Trickle extends ByteArrayInputStream {
    Trickle(byte[] bytes) {
      super(bytes);
    }

    @Override
    public synchronized int read(byte[] into, int offset, int length) {
      return super.read(into, offset, Math.min(length, 1 + (pos % 3)));
    }

    @Override
    public synchronized int available() {
      return 0;
    }
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  @Test
  void severalMembersAndFramesAreOneStream() throws IOException {
    byte[] gzip = TarBytes.gzip(TEXT);
    assertThat(read(gzip)).isEqualTo(TEXT);
    assertThat(read(join(gzip, TarBytes.gzip(new byte[0]), gzip))).isEqualTo(join(TEXT, TEXT));
    byte[] zstd = Zstd.compress(TEXT);
    byte[] skippable = {0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7};
    assertThat(read(join(skippable, zstd, zstd))).isEqualTo(join(TEXT, TEXT));
    assertThat(read(TEXT)).isEqualTo(TEXT);
    assertThat(read(new byte[0])).isEmpty();
  }

  @Test
  void truncationIsAnErrorAtEveryLength() {
    byte[] gzip = TarBytes.gzip(TEXT);
    for (int length = 2; length < gzip.length; length++) {
      byte[] cut = Arrays.copyOf(gzip, length);
      assertThatThrownBy(() -> read(cut)).as("cut to %d", length).isInstanceOf(IOException.class);
    }
    byte[] zstd = Zstd.compress(TEXT);
    assertThatThrownBy(() -> read(Arrays.copyOf(zstd, zstd.length - 1)))
        .isInstanceOf(IOException.class);
  }

  @Test
  void damageAndGarbageAreErrors() {
    byte[] gzip = TarBytes.gzip(TEXT);
    byte[] flipped = gzip.clone();
    flipped[gzip.length - 6] ^= 1;
    assertThatThrownBy(() -> read(flipped)).hasMessageContaining("checksum");
    assertThatThrownBy(() -> read(join(gzip, new byte[] {1, 2, 3})))
        .hasMessageContaining("followed by something else");
    assertThatThrownBy(() -> read("BZh91AY&SY".getBytes(StandardCharsets.US_ASCII)))
        .hasMessageContaining("bzip2");
  }
}
