package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;

import dev.molo.linux.Capability;
import dev.molo.linux.SystemFacts;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * {@link SystemFacts}; what /proc tells is read by plain Java, so that a start needs no native
 * library for it.
 */
final class JnrSystemFacts implements SystemFacts {

  private static final int CLOCK_BOOTTIME = 7;
  private static final long AT_PAGESZ = 6;

  private volatile int umask = -1;
  private volatile String bootId;
  private volatile Set<Capability> capabilities;

  @Override
  public String kernelRelease() {
    return read("/proc/sys/kernel/osrelease").strip();
  }

  @Override
  public String bootId() {
    if (bootId == null) {
      bootId = read("/proc/sys/kernel/random/boot_id").strip();
    }
    return bootId;
  }

  @Override
  public int pageSize() {
    ByteBuffer vector =
        ByteBuffer.wrap(readBytes("/proc/self/auxv")).order(ByteOrder.nativeOrder());
    while (vector.remaining() >= 16) {
      if (vector.getLong() == AT_PAGESZ) {
        return (int) vector.getLong();
      }
      vector.getLong();
    }
    throw new IllegalStateException("/proc/self/auxv has no AT_PAGESZ");
  }

  @Override
  public Set<Capability> effectiveCapabilities() {
    // nobody in this process ever changes them
    Set<Capability> known = capabilities;
    if (known == null) {
      known = readCapabilities();
      capabilities = known;
    }
    return known;
  }

  private static Set<Capability> readCapabilities() {
    long mask = Long.parseUnsignedLong(status("CapEff"), 16);
    EnumSet<Capability> found = EnumSet.noneOf(Capability.class);
    for (Capability capability : Capability.values()) {
      if ((mask & capability.bit()) != 0) {
        found.add(capability);
      }
    }
    return Collections.unmodifiableSet(found);
  }

  @Override
  public int lastCapability() {
    return Integer.parseInt(read("/proc/sys/kernel/cap_last_cap").strip());
  }

  @Override
  public long bootTimeNanos() {
    return clock(CLOCK_BOOTTIME);
  }

  @Override
  public long realTimeNanos() {
    // as exact as clock_gettime(2), by the vDSO
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  private static long clock(int id) {
    try (Scratch scratch = Scratch.borrow()) {
      int time = scratch.reserveDirty(16);
      check(
          Call.CLOCK_GETTIME, call(Call.CLOCK_GETTIME, id, scratch.at(time)), () -> "clock " + id);
      return scratch.memory().getLong(time) * 1_000_000_000L + scratch.memory().getLong(time + 8);
    }
  }

  @Override
  public int umask() {
    if (umask < 0) {
      umask = Integer.parseInt(status("Umask"), 8);
    }
    return umask;
  }

  @Override
  public int pid() {
    return (int) ProcessHandle.current().pid();
  }

  private static String status(String key) {
    return read("/proc/self/status")
        .lines()
        .filter(line -> line.startsWith(key + ":"))
        .map(line -> line.substring(key.length() + 1).strip())
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("/proc/self/status has no " + key));
  }

  private static String read(String path) {
    return new String(readBytes(path), java.nio.charset.StandardCharsets.US_ASCII);
  }

  /**
   * Reads with a buffer that is large from the first read on. Files.readAllBytes begins with one
   * byte where the size is 0, as it is in /proc, and a numeric sysctl gives what follows to nobody:
   * "40" becomes "4".
   */
  private static byte[] readBytes(String path) {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    byte[] chunk = new byte[16 * 1024];
    try (FileInputStream in = new FileInputStream(path)) {
      for (int count = in.read(chunk); count > 0; count = in.read(chunk)) {
        whole.write(chunk, 0, count);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("read " + path, e);
    }
    return whole.toByteArray();
  }
}
