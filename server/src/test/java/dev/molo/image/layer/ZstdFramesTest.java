package dev.molo.image.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import dev.molo.Patience;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What memory a zstd stream asks for is known before it gets any. */
@Timeout(120)
final class ZstdFramesTest {
  private static final byte[] NOISE = new byte[300_000];

  static {
    new Random(5).nextBytes(NOISE);
  }

  /** A stream whose length the compressor does not know: the window is what it was told. */
  private static byte[] frame(byte[] content, int windowLog, boolean checksum) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZstdOutputStreamNoFinalizer zstd = new ZstdOutputStreamNoFinalizer(out, 3)) {
      zstd.setLong(windowLog);
      zstd.setChecksum(checksum);
      for (int at = 0; at < content.length; at += 100_000) {
        zstd.write(content, at, Math.min(100_000, content.length - at));
        zstd.flush();
      }
    }
    return out.toByteArray();
  }

  private static byte[] skippable(int bytes) {
    byte[] frame = new byte[8 + bytes];
    frame[0] = 0x5a;
    frame[1] = 0x2a;
    frame[2] = 0x4d;
    frame[3] = 0x18;
    frame[4] = (byte) bytes;
    return frame;
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  /** The windows, however the stream is cut into reads. */
  private static List<Long> windows(byte[] stream, int atOnce) throws IOException {
    List<Long> seen = new ArrayList<>();
    byte[] buffer = new byte[atOnce];
    ByteArrayOutputStream passed = new ByteArrayOutputStream();
    try (InputStream in = new ZstdFrames(new ByteArrayInputStream(stream), seen::add)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        passed.write(buffer, 0, n);
      }
    }
    assertThat(passed.toByteArray()).isEqualTo(stream);
    return seen;
  }

  @Test
  void everyFramesWindowIsTold() throws IOException {
    byte[] zeros = new byte[200_000];
    byte[] stream =
        join(
            skippable(5),
            frame(NOISE, 20, true),
            Zstd.compress(new byte[0]),
            Zstd.compress(new byte[200]),
            Zstd.compress(new byte[700]),
            Zstd.compress(NOISE),
            skippable(0),
            frame(zeros, 25, false),
            frame(NOISE, 27, true));
    List<Long> expected =
        List.of(1L << 20, 0L, 200L, 700L, (long) NOISE.length, 1L << 25, 1L << 27);
    for (int atOnce : List.of(1, 2, 7, 4096, stream.length)) {
      assertThat(windows(stream, atOnce)).as("%d bytes at once", atOnce).isEqualTo(expected);
    }
  }

  private static InputStream open(ZstdWindows windows, byte[] stream) {
    return open(windows, stream, Cancellation.create());
  }

  private static InputStream open(ZstdWindows windows, byte[] stream, Cancellation cancellation) {
    ByteBuffer input = ByteBuffer.allocateDirect(ZstdSource.INPUT);
    InputStream compressed = new ByteArrayInputStream(stream);
    return new DirectInput(BufferSource.of(windows.open(compressed, input, cancellation)));
  }

  @Test
  void whatIsNoFrameIsLeftToTheDecoder() throws IOException {
    byte[] stream = join(Zstd.compress(NOISE), new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
    assertThat(windows(stream, 64)).containsExactly((long) NOISE.length);
    assertThatThrownBy(() -> open(new ZstdWindows(), stream).readAllBytes())
        .isInstanceOf(IOException.class);
  }

  /**
   * A stream that was good: it is read, or refused with an IOException, and passed on unchanged.
   */
  @Test
  void damagedStreamsAreReadOrRefused() throws IOException {
    byte[] sound = join(frame(NOISE, 20, true), skippable(9), Zstd.compress(new byte[5000]));
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < 300; i++) {
      byte[] stream = Arrays.copyOf(sound, sound.length - random.nextInt(2) * random.nextInt(6000));
      for (int n = random.nextInt(4); n > 0; n--) {
        int at = random.nextInt(2) * (stream.length - 60) + random.nextInt(60);
        stream[at] ^= (byte) (1 << random.nextInt(8));
      }
      windows(stream, 1 + random.nextInt(5000));
      try (InputStream in = open(new ZstdWindows(), stream)) {
        in.transferTo(OutputStream.nullOutputStream());
      } catch (IOException e) {
        refused++;
        assertThat(e.getMessage()).as("seed %d", seed).isNotEmpty();
      }
    }
    assertThat(refused).as("seed %d", seed).isBetween(50, 299);
  }

  @Test
  void windowBeyondTheMostIsRefusedBeforeItIsTaken() throws IOException {
    byte[] stream = frame(NOISE, 27, false);
    // The exponent of the window; compressors do not go further by themselves.
    assertThat(stream[5]).isEqualTo((byte) (17 << 3));
    stream[5] = (byte) (18 << 3);
    assertThatThrownBy(() -> open(new ZstdWindows(), stream).readAllBytes())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("needs a window of 268435456 bytes");
  }

  /** A later frame may ask for more than the first. */
  @Test
  void oneStreamAtATimeHasABigWindow() throws Exception {
    byte[] big = join(frame(NOISE, 22, true), frame(NOISE, 26, true));
    byte[] usual = frame(NOISE, 23, true);
    ZstdWindows windows = new ZstdWindows();
    InputStream first = open(windows, big);
    assertThat(first.readAllBytes()).isEqualTo(join(NOISE, NOISE));
    // It still has its window. One that needs none passes by.
    try (InputStream other = open(windows, usual)) {
      assertThat(other.readAllBytes()).isEqualTo(NOISE);
    }
    List<byte[]> read = new ArrayList<>();
    Thread second =
        Thread.ofPlatform()
            .start(() -> {
              try (InputStream in = open(windows, big)) {
                read.add(in.readAllBytes());
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    try (first) {
      Patience.until(
          "the second stream waits for the window of the first",
          () -> windows.isAwaited() || !second.isAlive());
      assertThat(second.isAlive()).isTrue();
      assertThat(read).isEmpty();
    }
    Patience.end("the second stream is read", second);
    assertThat(read).hasSize(1).first().isEqualTo(join(NOISE, NOISE));
    assertThat(windows.isAwaited()).isFalse();
  }

  /** The other's stream may come from a slow registry for hours. */
  @Test
  void cancellationEndsTheWaitForABigWindow() throws Exception {
    byte[] big = frame(NOISE, 26, true);
    ZstdWindows windows = new ZstdWindows();
    try (InputStream first = open(windows, big)) {
      assertThat(first.read()).isEqualTo(NOISE[0] & 0xff);
      Cancellation cancellation = Cancellation.create();
      FutureTask<byte[]> second =
          new FutureTask<>(() -> {
            try (InputStream in = open(windows, big, cancellation)) {
              return in.readAllBytes();
            }
          });
      var _ = Thread.ofPlatform().daemon().start(second);
      Patience.until(
          "the second stream waits for the window of the first",
          () -> windows.isAwaited() || second.isDone());
      assertThat(second.isDone()).isFalse();
      cancellation.cancel("pull");
      assertThatThrownBy(() -> second.get(30, TimeUnit.SECONDS))
          .hasCauseInstanceOf(FaultException.class)
          .hasMessageContaining("cancelled by the caller");
      assertThat(windows.isAwaited()).isFalse();
    }
    try (InputStream third = open(windows, big)) {
      assertThat(third.readAllBytes()).as("it was given back").isEqualTo(NOISE);
    }
  }
}
