package dev.molo.app;

import java.time.Duration;

/**
 * Judges by its size, looked at once a second, whether the heap is in use and whether much of it
 * may be garbage. Sizes in bytes, times as {@link System#nanoTime}. Thread-safe.
 */
final class QuietHeap {
  /** Less than this between two looks is what a daemon without work makes. */
  private static final long STIR = 1 << 20;

  private static final int QUIET_LOOKS = 2;

  /** Young garbage alone is up to 7 MiB. */
  private static final long GROWN = 8 << 20;

  /** Between two times that are told quiet: a kubelet that asks every few seconds is no burst. */
  private static final Duration APART = Duration.ofMinutes(1);

  private long lastUsed;
  private int quietLooks;
  private boolean stirred = true;
  private boolean told;
  private long toldAt;
  private long base = -1;

  /** Whether work has just ended. Told once after each time the heap was in use. */
  synchronized boolean isQuiet(long used, long now) {
    boolean quiet = Math.abs(used - lastUsed) < STIR;
    lastUsed = used;
    if (!quiet) {
      quietLooks = 0;
      stirred = true;
      return false;
    }
    quietLooks++;
    if (quietLooks < QUIET_LOOKS || !stirred || (told && now - toldAt < APART.toNanos())) {
      return false;
    }
    stirred = false;
    told = true;
    toldAt = now;
    if (base < 0) {
      base = used;
    }
    return true;
  }

  /** Whether it is much bigger than after the last collection, or after the start. */
  synchronized boolean hasGrown(long used) {
    return base >= 0 && used - base >= GROWN;
  }

  /** What a collection has left. */
  synchronized void collected(long used) {
    base = used;
    lastUsed = used;
  }
}
