package dev.molo.pod;

import java.nio.ByteBuffer;

/**
 * What an exec'd program left. The bytes live off the heap and are valid until {@link #close}.
 *
 * @param stdout read-only, at most 16 MiB; the two together stay below what a CRI client accepts
 * @param stderr likewise
 * @param exitCode 0 to 255; 128 + n when signal n ended it
 * @param discarded bytes that were read and thrown away over the limit
 * @param release gives the memory back
 */
public record ExecOutcome(
    ByteBuffer stdout, ByteBuffer stderr, int exitCode, long discarded, Runnable release)
    implements AutoCloseable {
  @Override
  public void close() {
    release.run();
  }
}
