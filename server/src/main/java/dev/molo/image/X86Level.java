package dev.molo.image;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * The micro-architecture level of an x86-64 processor: what it can beyond the first, which all have
 * (x86-64 psABI, "micro-architecture levels"). Registries offer images for a level as the variants
 * {@code v2}, {@code v3} and {@code v4} of amd64.
 */
final class X86Level {
  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

  /**
   * What each level asks for beyond the one before it, from the second on, in the kernel's words.
   */
  private static final List<Set<String>> LEVELS =
      List.of(
          Set.of("cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"),
          Set.of("abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"),
          Set.of("avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"));

  private X86Level() {}

  /** The first processor's variant: {@code v2} to {@code v4}, empty for the first level. */
  static String variant() {
    try (BufferedReader processors = Files.newBufferedReader(PROCESSORS, StandardCharsets.UTF_8)) {
      return processors
          .lines()
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .map(line ->
              variant(
                  Set.copyOf(List.of(line.substring(line.indexOf(':') + 1).strip().split(" +")))))
          .orElse("");
    } catch (IOException e) {
      throw new UncheckedIOException("reading " + PROCESSORS + ": " + e.getMessage(), e);
    }
  }

  /** The variant of a processor with these flags of {@code /proc/cpuinfo}. */
  static String variant(Set<String> flags) {
    int level = 1;
    for (Set<String> wanted : LEVELS) {
      if (!flags.containsAll(wanted)) {
        break;
      }
      level++;
    }
    return level == 1 ? "" : "v" + level;
  }
}
