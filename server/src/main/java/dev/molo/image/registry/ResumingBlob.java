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
 * A blob's bytes, from several connections if need be: where one breaks, the next goes on by Range.
 * Opens at the first read. One reader.
 */
final class ResumingBlob extends InputStream {
  /** Bytes that count as progress: a connection that gave that much earns all attempts again. */
  private static final long PROGRESS = 256 << 10;

  private final RegistrySession session;
  private final Descriptor blob;
  private final Cancellation cancellation;
  private final int attempts;
  private Exchange.Answer answer;
  private long offset;
  private long offsetAtBreak;
  private int breaks;

  ResumingBlob(RegistrySession session, Descriptor blob, Cancellation cancellation, int attempts) {
    this.session = session;
    this.blob = blob;
    this.cancellation = cancellation;
    this.attempts = attempts;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int start, int length) {
    while (true) {
      try {
        if (answer == null && offset >= blob.size() && offset > 0) {
          return -1;
        }
        if (answer == null) {
          answer = session.openAt(blob, offset, cancellation);
        }
        int n = answer.body().read(into, start, length);
        if (n >= 0) {
          offset += n;
          return n;
        }
        if (offset >= blob.size()) {
          return -1;
        }
        throw new IOException("it ended after " + offset + " of " + blob.size() + " bytes");
      } catch (IOException e) {
        broke(e);
      }
    }
  }

  private void broke(IOException e) {
    String from = answer.from().shown();
    close();
    cancellation.check();
    breaks = offset - offsetAtBreak >= PROGRESS ? 1 : breaks + 1;
    offsetAtBreak = offset;
    if (breaks >= attempts) {
      throw new FaultException(
          Fault.UNAVAILABLE,
          ReasonWord.RegistryUnavailable,
          from + ": the connection broke " + breaks + " times in a row: " + e.getMessage(),
          e);
    }
    RegistrySession.pause(breaks, Optional.empty(), cancellation);
  }

  @Override
  public void close() {
    if (answer != null) {
      answer.close();
      answer = null;
    }
  }
}
