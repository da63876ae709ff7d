package dev.molo.cri;

/** Spans of time as CRI gives them: whole seconds, of any size. */
final class Seconds {
  /** Some thirty years: what is longer means "for ever", and fits nanoseconds. */
  private static final long LONGEST = 1_000_000_000L;

  private Seconds() {}

  /** At least 0 and small enough to be counted in nanoseconds. */
  static long bounded(long seconds) {
    return Math.clamp(seconds, 0L, LONGEST);
  }
}
