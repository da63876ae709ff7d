package dev.molo.linux;

/**
 * A child of the daemon: its pid, and the pidfd by which it is signalled and reaped. Whoever holds
 * it reaps it with {@link Processes#waitid}; closing does not end the process.
 */
public record Spawned(int pid, Fd pidfd) implements AutoCloseable {
  @Override
  public void close() {
    pidfd.close();
  }
}
