package dev.molo.pod;

/**
 * Whether the caller of a long operation is still there. The edge implements it over its transport
 * (a gRPC context, an HTTP connection). Thread-safe.
 */
public interface CallerPresence {
  /** A caller that never leaves. */
  CallerPresence ALWAYS = whenGone -> () -> {};

  /**
   * Runs {@code whenGone} once, on some thread, when the caller hangs up or its deadline passes; at
   * once if that has happened already.
   *
   * @return forgets the registration
   */
  Registration onGone(Runnable whenGone);

  /** Ends the interest in a caller's presence. */
  @FunctionalInterface
  interface Registration extends AutoCloseable {
    @Override
    void close();
  }
}
