package dev.molo.linux;

/** Pipes (pipe(7)). Thread-safe. */
public interface Pipes {

  /** The two ends of a pipe. */
  record Pipe(Fd readEnd, Fd writeEnd) implements AutoCloseable {
    @Override
    public void close() {
      readEnd.close();
      writeEnd.close();
    }
  }

  /**
   * pipe2(2); {@code flags}: {@code OpenFlags.O_NONBLOCK} (both ends), {@code O_DIRECT} for
   * packets.
   */
  Pipe pipe2(int flags);

  /** F_SETPIPE_SZ; the size that the kernel chose, bytes. */
  int setSize(Fd end, int bytes);

  /** FIONREAD: bytes waiting to be read. */
  int available(Fd end);
}
