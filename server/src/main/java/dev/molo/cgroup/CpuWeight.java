package dev.molo.cgroup;

/**
 * CRI's CPU shares (the scale of cgroup v1, 2 to 262144, default 1024) on the scale of {@code
 * cpu.weight} (1 to 10000, default 100).
 *
 * <p>The curve through the three pairs (2, 1), (1024, 100), (262144, 10000) that runc (since 1.3.2,
 * from opencontainers/cgroups pull request 20) and crun (since 1.23, issue 1721) use today. The
 * older straight line gave a container that asks for one CPU a weight of 39, much less than any
 * process outside of Kubernetes has (kubernetes issue 131216).
 */
final class CpuWeight {
  static final long DEFAULT = 100;

  private static final long SHARES_MIN = 2;
  private static final long SHARES_MAX = 262_144;
  private static final long WEIGHT_MIN = 1;
  private static final long WEIGHT_MAX = 10_000;

  private CpuWeight() {}

  /** The weight for {@code shares}; shares outside of the scale count as its ends. */
  static long ofShares(long shares) {
    if (shares <= SHARES_MIN) {
      return WEIGHT_MIN;
    }
    if (shares >= SHARES_MAX) {
      return WEIGHT_MAX;
    }
    double bits = log2(shares);
    double exponent = (bits * bits + 125 * bits) / 612 - 7.0 / 34;
    return (long) Math.ceil(Math.pow(10, exponent));
  }

  /** Exact for powers of two, where an error in the last place would move the ceiling by one. */
  private static double log2(long value) {
    int floor = 63 - Long.numberOfLeadingZeros(value);
    double fraction = (double) value / (1L << floor);
    return floor + Math.log(fraction) / Math.log(2);
  }
}
