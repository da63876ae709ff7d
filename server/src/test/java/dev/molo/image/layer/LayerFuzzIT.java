package dev.molo.image.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.fault.FaultException;
import dev.molo.image.Digest;
import dev.molo.image.TarBytes;
import dev.molo.image.content.Descriptor;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.jnr.JnrLinux;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Archives that were good and are not any more: bytes changed, blocks moved, cut, doubled, header
 * checksums mended so that the damage gets past them. Whatever comes of it is a layer whose archive
 * can be made again, or a refusal in words; nothing outside is touched, and no bug shows itself.
 * {@code MOLO_FUZZ_SEED} repeats a run, {@code MOLO_LONG=true} makes it a long one.
 */
final class LayerFuzzIT {
  private static final int ROUNDS = "true".equals(System.getenv("MOLO_LONG")) ? 30_000 : 600;
  private static final UnpackLimits LIMITS = new UnpackLimits(8 << 20, 2000, 2000);

  @TempDir Path directory;
  private final Linux linux = JnrLinux.fromProperties();

  private static List<byte[]> seeds() {
    TarBytes pax =
        new TarBytes()
            .add(TarBytes.file("a", "1").pax("path", "long/".repeat(40) + "name"))
            .add(TarBytes.file("b", "2").pax("mtime", "1.5").pax("SCHILY.xattr.user.x", "y"))
            .add(
                TarBytes.file("s", "abcdef")
                    .pax("GNU.sparse.size", "100")
                    .pax("GNU.sparse.map", "0,3,50,3"));
    TarBytes gnu =
        new TarBytes()
            .raw(TarBytes.header("././@LongLink", 'L', 0, 0, 0, 600, 0, "", 0, 0))
            .raw(
                Arrays.copyOf(
                    "n/".repeat(290).getBytes(java.nio.charset.StandardCharsets.US_ASCII), 1024))
            .add(TarBytes.file("short", "long named"));
    TarBytes tree =
        new TarBytes()
            .add(TarBytes.directory("d/"))
            .add(TarBytes.file("d/f", "x".repeat(3000)))
            .add(TarBytes.hardlink("d/h", "d/f"))
            .add(TarBytes.symlink("l", "d"))
            .add(TarBytes.file("l/under", "y"))
            .add(TarBytes.typed("dev", '3').device(1, 3))
            .add(TarBytes.whiteout("d/", "gone"))
            .add(TarBytes.file("d/.wh..wh..opq", ""))
            .add(TarBytes.file("d", "replaced"));
    return List.of(pax.bytes(), gnu.bytes(), tree.bytes());
  }

  @Test
  void damagedArchivesNeverEscapeAndNeverShowABug() throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root: owners and devices");
    String wanted = System.getenv("MOLO_FUZZ_SEED");
    long seed = wanted == null ? System.nanoTime() : Long.parseLong(wanted);
    Random random = new Random(seed);
    Files.writeString(directory.resolve("outside"), "untouched");
    List<byte[]> corpus = new ArrayList<>(seeds());
    int sound = 0;
    for (int i = 0; i < ROUNDS; i++) {
      byte[] archive = mutated(corpus.get(random.nextInt(corpus.size())), corpus, random);
      String when = "MOLO_FUZZ_SEED=" + seed + ", round " + i;
      if (unpackAndRebuild(archive, when)) {
        sound++;
        if (corpus.size() < 200) {
          corpus.add(archive);
        }
      }
      assertThat(directory.resolve("outside")).as(when).hasContent("untouched");
      try (Stream<Path> there = Files.list(directory)) {
        assertThat(there.map(p -> p.getFileName().toString()))
            .as(when)
            .containsExactlyInAnyOrder("outside");
      }
    }
    assertThat(sound).as("seed %d: archives that were still good", seed).isGreaterThan(ROUNDS / 20);
  }

  private boolean unpackAndRebuild(byte[] archive, String when) throws IOException {
    Path layer = Files.createDirectory(directory.resolve("layer"));
    Digest diffId = Digest.ofBytes(archive);
    try (Fd fd = open(layer)) {
      new LayerFetch(
              linux.files(),
              linux.hashing(),
              linux.inflation(),
              LIMITS,
              new SpareProcessors(2, Thread.ofPlatform()::start))
          .run(
              Descriptor.of("", diffId, archive.length),
              diffId,
              new ByteArrayInputStream(archive),
              fd,
              new LayerWork("layer"));
      try (RebuiltTar again = new RebuiltTar(linux.files(), fd)) {
        assertThat(again.readAllBytes()).as(when).isEqualTo(archive);
      }
      return true;
    } catch (FaultException e) {
      assertThat(e.getMessage()).as(when).hasSizeBetween(20, 1200);
      return false;
    } catch (RuntimeException e) {
      throw new AssertionError(when, e);
    } finally {
      try (Fd base = open(directory)) {
        new TreeRemoval(linux.files(), base).remove("layer");
      }
    }
  }

  private Fd open(Path path) {
    return linux.files().open(path.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
  }

  private static byte[] mutated(byte[] seed, List<byte[]> corpus, Random random) {
    byte[] bytes = seed.clone();
    for (int n = 1 + random.nextInt(4); n > 0; n--) {
      bytes = mutatedOnce(bytes, corpus, random);
    }
    if (random.nextInt(4) > 0) {
      mendChecksums(bytes);
    }
    return bytes;
  }

  private static byte[] mutatedOnce(byte[] bytes, List<byte[]> corpus, Random random) {
    if (bytes.length < 1024) {
      return bytes;
    }
    int block = random.nextInt(bytes.length / 512) * 512;
    switch (random.nextInt(7)) {
      case 0 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      case 1 ->
          bytes[block + random.nextInt(Math.min(512, bytes.length - block))] =
              (byte) random.nextInt(256);
      case 2 -> bytes[block + 156] = (byte) "0123456789xgLKSVDNX\0".charAt(random.nextInt(20));
      case 3 -> {
        byte[] number =
            Long.toOctalString(random.nextLong() >>> random.nextInt(64))
                .getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        int field = new int[] {100, 108, 116, 124, 136, 329, 337, 483}[random.nextInt(8)];
        System.arraycopy(number, 0, bytes, block + field, Math.min(number.length, 7));
      }
      case 4 -> {
        byte[] other = corpus.get(random.nextInt(corpus.size()));
        int from = random.nextInt(Math.max(1, other.length / 512)) * 512;
        int length =
            Math.min(
                Math.min(512 * (1 + random.nextInt(4)), other.length - from), bytes.length - block);
        System.arraycopy(other, from, bytes, block, length);
      }
      case 5 -> {
        byte[] name =
            List.of("..", "../x", "/", "", ".wh.", ".wh...", "a/../../b", "d", "l")
                .get(random.nextInt(9))
                .getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        int field = random.nextBoolean() ? 0 : 157;
        Arrays.fill(bytes, block + field, block + field + 20, (byte) 0);
        System.arraycopy(name, 0, bytes, block + field, name.length);
      }
      default -> {
        return Arrays.copyOf(bytes, random.nextInt(bytes.length));
      }
    }
    return bytes;
  }

  /** Of whatever looks like a header, so that what lies behind the checksum is reached. */
  private static void mendChecksums(byte[] bytes) {
    for (int at = 0; at + 512 <= bytes.length; at += 512) {
      if (bytes[at + 257] == 'u' && bytes[at + 258] == 's' && bytes[at + 259] == 't') {
        byte[] block = Arrays.copyOfRange(bytes, at, at + 512);
        TarBytes.checksum(block);
        System.arraycopy(block, 0, bytes, at, 512);
      }
    }
  }
}
