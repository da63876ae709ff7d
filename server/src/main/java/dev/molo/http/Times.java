package dev.molo.http;

import java.time.Instant;

/** Times as RFC 3339 with nanoseconds, as they are known. */
final class Times {
  private Times() {}

  /** Null (JSON's) for a time that has not come. */
  static String text(long epochNanos) {
    return epochNanos <= 0 ? null : Instant.ofEpochSecond(0, epochNanos).toString();
  }
}
