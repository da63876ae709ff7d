package dev.molo.linux.jnr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.linux.Inflation;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** ISA-L gives what zlib has packed, however the input is cut. */
final class JnrInflationTest {
  private final Inflation inflation = new JnrInflation();

  @BeforeEach
  void needsTheLibrary() {
    assumeTrue(inflation.implementation().equals("ISA-L"), "libisal2 is not installed");
  }

  private static byte[] text(Random random) {
    byte[] text = new byte[random.nextInt(400_000)];
    int alphabet = 1 + random.nextInt(256);
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) (i % 1000 < 500 ? random.nextInt(alphabet) : i % 7);
    }
    return text;
  }

  private static byte[] pack(byte[] text, int level) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (Deflater deflater = new Deflater(level, true)) {
      deflater.setInput(text);
      deflater.finish();
      byte[] buffer = new byte[8192];
      while (!deflater.finished()) {
        out.write(buffer, 0, deflater.deflate(buffer));
      }
    }
    return out.toByteArray();
  }

  @RepeatedTest(60)
  void givesWhatWasPackedAndLeavesWhatIsBehind(RepetitionInfo repetition) throws Exception {
    Random random = new Random(repetition.getCurrentRepetition());
    try (Inflation.Inflate inflate = inflation.begin()) {
      for (int stream = 0; stream < 3; stream++) {
        byte[] text = text(random);
        byte[] packed = pack(text, random.nextInt(10));
        byte[] behind = new byte[random.nextInt(20)];
        random.nextBytes(behind);
        int most = 1 + random.nextInt(random.nextBoolean() ? 9 : Inflation.MAX_INPUT);
        check(inflate, text, packed, behind, most, 1 + random.nextInt(200_000));
        inflate.reset();
      }
    }
  }

  private static void check(
      Inflation.Inflate inflate, byte[] text, byte[] packed, byte[] behind, int most, int room)
      throws DataFormatException {
    byte[] all = Arrays.copyOf(packed, packed.length + behind.length);
    System.arraycopy(behind, 0, all, packed.length, behind.length);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteBuffer buffer = ByteBuffer.allocateDirect(room);
    int at = 0;
    while (!inflate.finished()) {
      int n = inflate.inflate(buffer.clear());
      byte[] some = new byte[n];
      buffer.flip().get(some);
      out.writeBytes(some);
      if (n == 0 && !inflate.finished()) {
        int length = Math.min(most, all.length - at);
        assertThat(length).isPositive();
        inflate.input(all, at, length);
        at += length;
      }
    }
    assertThat(out.toByteArray()).isEqualTo(text);
    byte[] unread = Arrays.copyOfRange(all, at, all.length);
    byte[] rest = Arrays.copyOf(inflate.rest(), inflate.rest().length + unread.length);
    System.arraycopy(unread, 0, rest, rest.length - unread.length, unread.length);
    assertThat(rest).isEqualTo(behind);
  }

  @Test
  void damageIsAnError() {
    byte[] packed =
        pack("molo ".repeat(1000).getBytes(java.nio.charset.StandardCharsets.US_ASCII), 9);
    packed[2] ^= 0x55;
    packed[3] ^= 0x55;
    try (Inflation.Inflate inflate = inflation.begin()) {
      inflate.input(packed, 0, packed.length);
      assertThatThrownBy(
              () -> {
                ByteBuffer into = ByteBuffer.allocateDirect(10_000);
                for (int i = 0; i < 100; i++) {
                  inflate.inflate(into.clear());
                }
              })
          .isInstanceOf(DataFormatException.class);
    }
  }
}
