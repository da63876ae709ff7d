package dev.molo.linux;

import java.time.Instant;

/**
 * A kernel time stamp.
 *
 * @param seconds since the epoch of the clock it was read from; may be negative
 * @param nanos 0 to 999,999,999, or the special values of {@link #NOW} and {@link #OMIT}
 */
public record TimeSpec(long seconds, int nanos) {

  /** UTIME_NOW: set to the current time. */
  public static final TimeSpec NOW = new TimeSpec(0, 0x3fffffff);

  /** UTIME_OMIT: leave unchanged. */
  public static final TimeSpec OMIT = new TimeSpec(0, 0x3ffffffe);

  /** The same moment as a kernel time stamp. */
  public static TimeSpec of(Instant instant) {
    return new TimeSpec(instant.getEpochSecond(), instant.getNano());
  }

  /** The same moment; meaningless for {@link #NOW} and {@link #OMIT}. */
  public Instant toInstant() {
    return Instant.ofEpochSecond(seconds, nanos);
  }
}
