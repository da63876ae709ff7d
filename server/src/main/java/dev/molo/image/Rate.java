package dev.molo.image;

/** How fast a count grows, over the last one to two seconds. Thread-safe. */
final class Rate {
  private static final long STRETCH_NANOS = 1_000_000_000;

  private long sinceNanos;
  private long sinceCount;
  private long beforeNanos;
  private long beforeCount;
  private long count;

  /** Begins at zero. */
  Rate(long nowNanos) {
    sinceNanos = nowNanos;
    beforeNanos = nowNanos;
  }

  /** The count right now. */
  synchronized void at(long newCount, long nowNanos) {
    count = newCount;
    if (nowNanos - sinceNanos >= STRETCH_NANOS) {
      beforeNanos = sinceNanos;
      beforeCount = sinceCount;
      sinceNanos = nowNanos;
      sinceCount = newCount;
    }
  }

  /** A second; falls to zero when nothing comes any more. */
  synchronized long now(long nowNanos) {
    long nanos = Math.max(1_000_000, nowNanos - beforeNanos);
    return (long) ((count - beforeCount) * 1e9 / nanos);
  }
}
