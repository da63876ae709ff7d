package dev.molo.image.registry;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.content.Descriptor;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * A big blob's bytes in order. The first section comes over one connection. Where that shows that
 * the server gives ranges, and that its reader waits for the network rather than for the disk, the
 * rest comes over several connections at once; else over one. One reader.
 */
final class RangedBlob extends InputStream {
  /** From this size on a second connection can pay. */
  static final long WORTH_IT = 8L * SectionBuffers.SECTION;

  private final RegistrySession session;
  private final SectionBuffers buffers;
  private final Descriptor blob;
  private final Cancellation cancellation = Cancellation.create();
  private final Cancellation.Registration callers;
  private ResumingBlob alone;
  private final Deque<Section> ahead = new ArrayDeque<>();
  private final long began = System.nanoTime();
  private long offset;
  private long next;
  private boolean decided;
  private boolean together;

  RangedBlob(
      RegistrySession session, SectionBuffers buffers, Descriptor blob, Cancellation cancellation) {
    this.session = session;
    this.buffers = buffers;
    this.blob = blob;
    this.callers =
        cancellation.onCancel(() -> this.cancellation.cancel(cancellation.reason().orElseThrow()));
    this.alone = new ResumingBlob(session, blob, 0, SectionBuffers.SECTION, this.cancellation);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int start, int length) {
    if (!decided && offset >= SectionBuffers.SECTION) {
      decide();
    }
    int n = together ? readAhead(into, start, length) : alone.read(into, start, length);
    offset += Math.max(n, 0);
    return n;
  }

  private void decide() {
    decided = true;
    next = offset;
    together = alone.ranged() && alone.waitedNanos() * 2 > System.nanoTime() - began;
    if (together) {
      alone.close();
    } else {
      alone.extendTo(blob.size());
    }
  }

  private int readAhead(byte[] into, int start, int length) {
    while (true) {
      fetchAhead();
      if (ahead.isEmpty()) {
        return offset >= blob.size() ? -1 : readAlone(into, start, length);
      }
      int n = ahead.peek().read(into, start, length);
      if (n >= 0) {
        return n;
      }
      ahead.remove().close();
    }
  }

  private void fetchAhead() {
    while (ahead.size() < session.connectionsPerLayer() && next < blob.size()) {
      Optional<ByteBuf> buffer = buffers.take();
      if (buffer.isEmpty()) {
        return;
      }
      long end = Math.min(next + SectionBuffers.SECTION, blob.size());
      ahead.add(
          Section.start(
              buffers,
              buffer.get(),
              new ResumingBlob(session, blob, next, end, cancellation),
              "section " + blob.digest()));
      next = end;
    }
  }

  /** Other layers have all the memory: this one goes on over one connection. */
  private int readAlone(byte[] into, int start, int length) {
    together = false;
    alone = new ResumingBlob(session, blob, offset, blob.size(), cancellation);
    return alone.read(into, start, length);
  }

  @Override
  public void close() {
    callers.close();
    cancellation.cancel(new FaultException(Fault.CANCELLED, "layer " + blob.digest() + ": closed"));
    ahead.forEach(Section::close);
    ahead.clear();
    alone.close();
  }
}
