package dev.molo.image.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.image.Digest;
import dev.molo.image.content.Descriptor;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.jnr.JnrLinux;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What unpacking a layer holds in memory does not depend on the layer. The full form, with 4 GB of
 * zeros and 2 GB of noise and the daemon's resident memory, is {@code conformance/bench/run
 * --giant}.
 */
final class LayerFetchIT {
  private static final int SIZE = 96 << 20;
  private static final long ALLOWED = 4 << 20;

  @TempDir Path directory;
  private final Linux linux = JnrLinux.fromProperties();

  @BeforeEach
  void needRoot() {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root: owners");
  }

  @Test
  void memoryOfALayerOfZerosIsBounded() throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(packed);
        InputStream tar = tar(new Zeros())) {
      tar.transferTo(gzip);
    }
    byte[] blob = packed.toByteArray();
    unpackWithinBounds(
        new ByteArrayInputStream(blob), Digest.ofBytes(blob), blob.length, digest(new Zeros()));
  }

  @Test
  void memoryOfALayerOfNoiseIsBounded() throws IOException {
    Digest digest = digest(new Noise());
    try (InputStream tar = tar(new Noise())) {
      unpackWithinBounds(tar, digest, tarBytes(), digest);
    }
  }

  private void unpackWithinBounds(InputStream source, Digest blob, long size, Digest diffId)
      throws IOException {
    Meter meter = new Meter(size);
    try (Fd fd =
        linux.files().open(directory.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      LayerWork work = new LayerWork("layer");
      work.join(meter);
      new LayerFetch(
              linux.files(),
              linux.hashing(),
              linux.inflation(),
              UnpackLimits.standard(),
              new SpareProcessors(2, Thread.ofPlatform()::start))
          .run(Descriptor.of("", blob, size), diffId, source, fd, work);
    }
    assertThat(Files.size(directory.resolve("fs/file"))).isEqualTo(SIZE);
    assertThat(meter.looks).as("looks at the memory while unpacking").isGreaterThan(1);
    assertThat(meter.most).as("bytes held beyond those before").isLessThan(ALLOWED);
  }

  /** Looks at what is held, on and off the heap, eight times at most while a layer comes. */
  private static final class Meter implements LongConsumer {
    private final long step;
    private final long before = held();
    private long next;
    private int looks;
    private long most;

    Meter(long size) {
      step = size / 8;
      next = step;
    }

    @Override
    public void accept(long received) {
      if (received >= next) {
        next += step;
        looks++;
        most = Math.max(most, held() - before);
      }
    }

    /** The least of several looks: other threads of this process take memory, too, and drop it. */
    private static long held() {
      return LongStream.generate(Meter::heldNow).limit(3).min().orElseThrow();
    }

    private static long heldNow() {
      System.gc();
      Runtime runtime = Runtime.getRuntime();
      long direct =
          ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
              .filter(pool -> pool.getName().equals("direct"))
              .mapToLong(BufferPoolMXBean::getMemoryUsed)
              .sum();
      return runtime.totalMemory() - runtime.freeMemory() + direct;
    }
  }

  private static long tarBytes() {
    return 512 + SIZE + 1024;
  }

  private static InputStream tar(InputStream content) {
    return new SequenceInputStream(
        Collections.enumeration(
            List.of(
                new ByteArrayInputStream(header()),
                content,
                new ByteArrayInputStream(new byte[1024]))));
  }

  private static byte[] header() {
    byte[] block = new byte[512];
    put(block, 0, "file");
    put(block, 100, "0000644");
    put(block, 108, "0000000");
    put(block, 116, "0000000");
    put(block, 124, "%011o".formatted(SIZE));
    put(block, 136, "00000000000");
    put(block, 148, "        ");
    put(block, 156, "0");
    put(block, 257, "ustar\u000000");
    int sum = 0;
    for (byte b : block) {
      sum += b & 0xff;
    }
    put(block, 148, "%06o\u0000 ".formatted(sum));
    return block;
  }

  private static void put(byte[] block, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(bytes, 0, block, at, bytes.length);
  }

  private static Digest digest(InputStream content) throws IOException {
    try (DigestInputStream hashed =
        new DigestInputStream(tar(content), MessageDigest.getInstance("SHA-256"))) {
      hashed.transferTo(OutputStream.nullOutputStream());
      return new Digest(
          Digest.Algorithm.SHA256, HexFormat.of().formatHex(hashed.getMessageDigest().digest()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** As many bytes as the file has, made as they are read. */
  private abstract static class Made extends InputStream {
    private int left = SIZE;

    abstract void make(byte[] into);

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      if (left == 0) {
        return -1;
      }
      byte[] piece = new byte[Math.min(left, length)];
      make(piece);
      System.arraycopy(piece, 0, into, offset, piece.length);
      left -= piece.length;
      return piece.length;
    }
  }

  private static final class Zeros extends Made {
    @Override
    void make(byte[] into) {}
  }

  /** The same however it is read: each byte is one of a short period that gzip would not find. */
  private static final class Noise extends Made {
    private static final byte[] PERIOD = new byte[(1 << 20) - 3];
    private int at;

    static {
      new Random(4).nextBytes(PERIOD);
    }

    @Override
    void make(byte[] into) {
      for (int i = 0; i < into.length; i++) {
        into[i] = PERIOD[at];
        at = at + 1 == PERIOD.length ? 0 : at + 1;
      }
    }
  }
}
