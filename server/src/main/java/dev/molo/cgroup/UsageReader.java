package dev.molo.cgroup;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Reads a cgroup's counters in as few system calls as can be: at most five files stay open (from
 * the first request on), each read is one pread, and limits, which only this daemon changes, are
 * read once after each change. A file that is missing once is missing for good, because controllers
 * are passed on before the cgroup is made. Thread-safe: one reading at a time.
 */
final class UsageReader implements AutoCloseable {
  private static final int BUFFER = 8 * 1024;
  private static final long NANOS_PER_MICRO = 1_000;

  private final CgroupDirectory directory;
  private final Map<String, Optional<Fd>> open = new HashMap<>();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
  private Optional<Limit> limit = Optional.empty();
  private boolean closed;

  private record Limit(OptionalLong memory, OptionalLong swap) {}

  UsageReader(CgroupDirectory directory) {
    this.directory = directory;
  }

  synchronized Usage read() {
    if (closed) {
      throw new LinuxException("pread", Errno.ENODEV, directory + " is closed");
    }
    FlatKeys cpu = keys("cpu.stat");
    FlatKeys memory = keys("memory.stat");
    Limit limit = limits();
    return new Usage(
        micros(cpu.get("usage_usec")),
        micros(cpu.get("user_usec")),
        micros(cpu.get("system_usec")),
        cpu.get("nr_throttled"),
        micros(cpu.get("throttled_usec")),
        number("memory.current"),
        limit.memory(),
        memory.get("anon"),
        memory.get("active_file"),
        memory.get("inactive_file"),
        memory.get("pgfault"),
        memory.get("pgmajfault"),
        swapCurrent(limit),
        limit.swap(),
        number("pids.current"));
  }

  private FlatKeys keys(String file) {
    return FlatKeys.of(text(kept(file)));
  }

  /** What may not swap has not swapped: one read less for nearly every container. */
  private OptionalLong swapCurrent(Limit limit) {
    boolean never = limit.swap().isPresent() && limit.swap().getAsLong() == 0;
    return never ? OptionalLong.of(0) : number("memory.swap.current");
  }

  private OptionalLong number(String file) {
    return Numbers.parse(text(kept(file)));
  }

  /** Limits were written: what was read of them is old. */
  synchronized void limitsChanged() {
    limit = Optional.empty();
  }

  private Limit limits() {
    Limit known = limit.orElseGet(() -> new Limit(once("memory.max"), once("memory.swap.max")));
    limit = Optional.of(known);
    return known;
  }

  private OptionalLong once(String file) {
    try (Fd fd = directory.openFile(file).orElse(null)) {
      return fd == null ? OptionalLong.empty() : Numbers.parse(text(Optional.of(fd)));
    }
  }

  private Optional<Fd> kept(String file) {
    Optional<Fd> fd = open.get(file);
    if (fd == null) {
      fd = directory.openFile(file);
      open.put(file, fd);
    }
    return fd;
  }

  private String text(Optional<Fd> fd) {
    if (fd.isEmpty()) {
      return "";
    }
    Files files = directory.files();
    buffer.clear();
    int length = files.pread(fd.get(), buffer, 0);
    byte[] bytes = new byte[Math.max(0, length)];
    buffer.flip().get(bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static OptionalLong micros(OptionalLong value) {
    return value.isPresent()
        ? OptionalLong.of(value.getAsLong() * NANOS_PER_MICRO)
        : OptionalLong.empty();
  }

  @Override
  public synchronized void close() {
    closed = true;
    open.values().forEach(fd -> fd.ifPresent(Fd::close));
    open.clear();
  }
}
