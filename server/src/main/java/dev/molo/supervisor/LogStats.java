package dev.molo.supervisor;

/**
 * What became of a container's output.
 *
 * @param readBytes read from the container
 * @param writtenBytes written to the log, its prefixes included
 * @param droppedBytes read, but the log could not take them
 * @param droppedLines lines among those
 * @param lastErrno of the write that failed last; 0 when none ever did
 * @param dropping whether the latest write failed
 */
public record LogStats(
    long readBytes,
    long writtenBytes,
    long droppedBytes,
    long droppedLines,
    int lastErrno,
    boolean dropping) {
  /** No output yet. */
  public static final LogStats NONE = new LogStats(0, 0, 0, 0, 0, false);
}
