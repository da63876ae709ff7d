package dev.molo.image.layer;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import dev.molo.linux.Inflation;
import dev.molo.linux.jnr.JnrLinux;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * What the decompressors that a layer may go through cost, in processor time of the thread that
 * does it: {@code DecompressionSpeed FOLDER ROUNDS PLAIN}. The decompressors take turns. {@code
 * conformance/bench/decompression} runs it.
 */
final class DecompressionSpeed {
  private static final int BUFFER = 128 << 10;

  private DecompressionSpeed() {}

  private interface Opening {
    InputStream open(InputStream compressed) throws IOException;
  }

  private record Candidate(Path file, Opening opening) {}

  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    int rounds = Integer.parseInt(args[1]);
    Path plain = Path.of(args[2]);
    Path gzip = folder.resolve("gzip");
    Path zstd = folder.resolve("zstd");
    pack(plain, new GZIPOutputStream(Files.newOutputStream(gzip), BUFFER));
    pack(plain, new ZstdOutputStreamNoFinalizer(Files.newOutputStream(zstd), 3));
    Inflation system = JnrLinux.fromProperties().inflation();
    Map<String, Candidate> candidates = new LinkedHashMap<>();
    candidates.put(
        "gzip by " + system.implementation(),
        new Candidate(gzip, in -> Decompression.open(in, system)));
    candidates.put(
        "gzip by " + Inflation.jdk().implementation(),
        new Candidate(gzip, in -> Decompression.open(in)));
    candidates.put(
        "gzip by java.util.zip.GZIPInputStream",
        new Candidate(gzip, in -> new GZIPInputStream(in, BUFFER)));
    candidates.put("zstd by zstd-jni", new Candidate(zstd, in -> Decompression.open(in, system)));
    candidates.put(
        "zstd by zstd-jni, frames not looked at",
        new Candidate(zstd, ZstdInputStreamNoFinalizer::new));
    Map<String, List<Long>> taken = new LinkedHashMap<>();
    long bytes = Files.size(plain);
    for (int round = 0; round <= rounds; round++) {
      for (Map.Entry<String, Candidate> one : candidates.entrySet()) {
        long nanos = read(one.getValue(), bytes);
        // The first is for the compiler.
        if (round > 0) {
          taken.computeIfAbsent(one.getKey(), k -> new ArrayList<>()).add(nanos);
        }
      }
    }
    System.out.printf(
        "%d MB plain; gzip %d MB, zstd %d MB; CPU ms for 100 MB of plain, median of %d (least, most)%n",
        bytes / 1_000_000, Files.size(gzip) / 1_000_000, Files.size(zstd) / 1_000_000, rounds);
    taken.forEach((name, nanos) -> {
      double[] each = nanos.stream().mapToDouble(n -> n / 1e6 * 1e8 / bytes).sorted().toArray();
      System.out.printf(
          "%-40s %6.0f (%.0f, %.0f)%n",
          name, each[each.length / 2], each[0], each[each.length - 1]);
    });
  }

  private static void pack(Path plain, OutputStream into) throws IOException {
    try (into) {
      Files.copy(plain, into);
    }
  }

  private static long read(Candidate candidate, long expected) throws IOException {
    byte[] buffer = new byte[BUFFER];
    byte[] compressed = Files.readAllBytes(candidate.file());
    long began = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    long bytes = 0;
    try (InputStream in =
        candidate
            .opening()
            .open(new BufferedInputStream(new ByteArrayInputStream(compressed), 64 << 10))) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        bytes += n;
      }
    }
    long nanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - began;
    if (bytes != expected) {
      throw new IOException(
          "%s gave %d bytes instead of %d".formatted(candidate.file(), bytes, expected));
    }
    return nanos;
  }
}
