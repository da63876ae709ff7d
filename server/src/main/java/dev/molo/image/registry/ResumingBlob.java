package dev.molo.image.registry;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.image.Cancellation;
import dev.molo.image.content.Descriptor;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/**
 * A stretch of a blob's bytes, from several connections if need be: where one breaks, the next goes
 * on by Range. Opens at the first read. One reader.
 */
final class ResumingBlob extends InputStream {
  /** Bytes that count as progress: a connection that gave that much earns all attempts again. */
  private static final long PROGRESS = 256 << 10;

  private final RegistrySession session;
  private final Descriptor blob;
  private final Cancellation cancellation;
  private Exchange.Answer answer;
  private long answerEnd;
  private boolean ranged;
  private long offset;
  private long end;
  private long offsetAtBreak;
  private int breaks;
  private long waitedBefore;

  /**
   * @param offset the first byte
   * @param end behind the last byte
   */
  ResumingBlob(
      RegistrySession session, Descriptor blob, long offset, long end, Cancellation cancellation) {
    this.session = session;
    this.blob = blob;
    this.offset = offset;
    this.end = end;
    this.offsetAtBreak = offset;
    this.cancellation = cancellation;
  }

  /** More is wanted than was said at first. */
  void extendTo(long newEnd) {
    end = newEnd;
  }

  /** Whether the server gave just the stretch that it was asked for. */
  boolean ranged() {
    return ranged;
  }

  /** How long its reader has waited for the network so far. */
  long waitedNanos() {
    return waitedBefore + (answer == null ? 0 : answer.body().waitedNanos());
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int start, int length) {
    while (true) {
      if (offset >= end && offset > 0) {
        return -1;
      }
      try {
        if (answer != null && offset == answerEnd) {
          close();
        }
        if (answer == null) {
          open();
        }
        int n = answer.body().read(into, start, (int) Math.min(length, Math.max(1, end - offset)));
        if (n >= 0) {
          offset += n;
          return n;
        }
        if (offset >= end) {
          return -1;
        }
        throw new IOException("it ended after " + offset + " of " + blob.size() + " bytes");
      } catch (IOException e) {
        broke(e);
      }
    }
  }

  private void open() {
    long before = System.nanoTime();
    answer = session.openAt(blob, offset, end, cancellation);
    waitedBefore += System.nanoTime() - before;
    ranged = answer.status() == 206;
    answerEnd = ranged ? end : blob.size();
  }

  private void broke(IOException e) {
    String from = answer.from().shown();
    close();
    cancellation.check();
    breaks = offset - offsetAtBreak >= PROGRESS ? 1 : breaks + 1;
    offsetAtBreak = offset;
    if (breaks >= session.attempts()) {
      throw new FaultException(
          Fault.UNAVAILABLE,
          ReasonWord.RegistryUnavailable,
          from + ": the connection broke " + breaks + " times in a row: " + e.getMessage(),
          e);
    }
    Backoff.pause(breaks, Optional.empty(), cancellation);
  }

  @Override
  public void close() {
    if (answer != null) {
      waitedBefore += answer.body().waitedNanos();
      answer.close();
      answer = null;
    }
  }
}
