package dev.molo.linux;

import java.util.Set;

/** Facts about this kernel and this process. Thread-safe. */
public interface SystemFacts {

  /** uname's release, such as "6.1.0-28-amd64". */
  String kernelRelease();

  /** Whether the kernel is at least this version. */
  default boolean kernelAtLeast(int major, int minor) {
    String[] parts = kernelRelease().split("[^0-9]+", 3);
    int foundMajor = Integer.parseInt(parts[0]);
    int foundMinor = Integer.parseInt(parts[1]);
    return foundMajor > major || (foundMajor == major && foundMinor >= minor);
  }

  /** /proc/sys/kernel/random/boot_id: changes with every boot. */
  String bootId();

  /** Bytes a page. */
  int pageSize();

  /** This process's effective capabilities. */
  Set<Capability> effectiveCapabilities();

  /** The highest capability number that this kernel knows (/proc/sys/kernel/cap_last_cap). */
  int lastCapability();

  /** CLOCK_BOOTTIME, nanoseconds since boot, suspended time included. */
  long bootTimeNanos();

  /** CLOCK_REALTIME, nanoseconds since 1970. */
  long realTimeNanos();

  /** This process's umask, read once. */
  int umask();

  /** This process's pid. */
  int pid();
}
