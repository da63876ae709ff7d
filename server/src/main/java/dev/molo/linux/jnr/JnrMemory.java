package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;

import dev.molo.linux.Memory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@link Memory} from /proc/self/smaps (proc(5)) and madvise(2). */
final class JnrMemory implements Memory {
  private static final int MADV_DONTNEED = 4;

  /** Or one fault maps the two megabytes around it again, where the page cache holds huge pages. */
  private static final int MADV_NOHUGEPAGE = 15;

  private static final Path SMAPS = Path.of("/proc/self/smaps");

  /** "7f00-7fff r-xp 00000000 fe:00 123 /path" */
  private static final Pattern HEAD =
      Pattern.compile("([0-9a-f]+)-([0-9a-f]+) (\\S{4}) \\S+ \\S+ \\S+ +(/.*)");

  private record Mapping(
      long address, long length, String permissions, String file, long residentKib, long ownKib) {

    boolean holdsOnlyCleanPages() {
      return permissions.charAt(1) == '-' && permissions.charAt(3) == 'p' && ownKib == 0;
    }
  }

  @Override
  public long releaseCleanPages(Predicate<String> which) {
    long released = 0;
    for (Mapping mapping : mappings()) {
      if (mapping.holdsOnlyCleanPages() && which.test(mapping.file())) {
        advise(mapping, MADV_NOHUGEPAGE);
        advise(mapping, MADV_DONTNEED);
        released += mapping.residentKib() << 10;
      }
    }
    return released;
  }

  private static void advise(Mapping mapping, int advice) {
    check(
        Call.MADVISE,
        call(Call.MADVISE, mapping.address(), mapping.length(), advice),
        mapping::file);
  }

  private static List<Mapping> mappings() {
    List<Mapping> mappings = new ArrayList<>();
    Matcher head = null;
    long resident = 0;
    try {
      for (String line : Files.readAllLines(SMAPS)) {
        Matcher next = HEAD.matcher(line);
        if (next.matches()) {
          head = next;
        } else if (line.startsWith("Rss:")) {
          resident = kib(line);
        } else if (head != null && line.startsWith("Anonymous:")) {
          mappings.add(mapping(head, resident, kib(line)));
          head = null;
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("read " + SMAPS, e);
    }
    return mappings;
  }

  private static Mapping mapping(Matcher head, long residentKib, long ownKib) {
    long address = Long.parseUnsignedLong(head.group(1), 16);
    long end = Long.parseUnsignedLong(head.group(2), 16);
    return new Mapping(address, end - address, head.group(3), head.group(4), residentKib, ownKib);
  }

  /** "Rss: 12 kB" */
  private static long kib(String line) {
    return Long.parseLong(line.replaceAll("[^0-9]", ""));
  }
}
