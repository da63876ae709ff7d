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
 * Reads a cgroup's counters. The files that every statistics request needs stay open (five
 * descriptors a container, from the first request on): reading them again is one pread each. A file
 * that is missing once is missing for good, because controllers are passed on before the cgroup is
 * made. Thread-safe: one reading at a time.
 */
final class UsageReader implements AutoCloseable {
  private static final int BUFFER = 8 * 1024;
  private static final long NANOS_PER_MICRO = 1_000;

  private final CgroupDirectory directory;
  private final Map<String, Optional<Fd>> open = new HashMap<>();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
  private boolean closed;

  UsageReader(CgroupDirectory directory) {
    this.directory = directory;
  }

  synchronized Usage read() {
    if (closed) {
      throw new LinuxException("pread", Errno.ENODEV, directory + " is closed");
    }
    FlatKeys cpu = keys("cpu.stat");
    FlatKeys memory = keys("memory.stat");
    FlatKeys events = once("memory.events");
    IoTotals io = IoTotals.of(onceText("io.stat"));
    return new Usage(
        micros(cpu.get("usage_usec")),
        micros(cpu.get("user_usec")),
        micros(cpu.get("system_usec")),
        cpu.get("nr_throttled"),
        micros(cpu.get("throttled_usec")),
        number("memory.current"),
        limit("memory.max"),
        memory.get("anon"),
        memory.get("active_file"),
        memory.get("inactive_file"),
        memory.get("pgfault"),
        memory.get("pgmajfault"),
        number("memory.swap.current"),
        limit("memory.swap.max"),
        number("pids.current"),
        events.get("oom_kill"),
        io.read(),
        io.written());
  }

  private FlatKeys keys(String file) {
    return FlatKeys.of(text(kept(file)));
  }

  private OptionalLong number(String file) {
    return Numbers.parse(text(kept(file)));
  }

  /** Limits change by update only, but a container that manages its own subtree may change them. */
  private OptionalLong limit(String file) {
    return Numbers.parse(onceText(file));
  }

  private FlatKeys once(String file) {
    return FlatKeys.of(onceText(file));
  }

  private String onceText(String file) {
    if (open.containsKey(file)) {
      return "";
    }
    Optional<Fd> fd = directory.openFile(file);
    if (fd.isEmpty()) {
      open.put(file, Optional.empty());
      return "";
    }
    try (Fd opened = fd.get()) {
      return text(Optional.of(opened));
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
