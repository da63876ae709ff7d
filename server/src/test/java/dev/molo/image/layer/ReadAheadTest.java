package dev.molo.image.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.molo.Patience;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ReadAheadTest {
  private static void nothing() {}

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final ByteBuffer own = ByteBuffer.allocateDirect(LayerBuffers.BUFFER);

  @AfterEach
  void end() throws InterruptedException {
    threads.shutdown();
    assertTrue(threads.awaitTermination(30, TimeUnit.SECONDS), "a helper's thread is left");
  }

  /** Gives bytes in pieces of odd sizes, and notes who asks. */
  private static class Bytes implements DirectSource {
    private final byte[] content;
    private final Set<Thread> readers = ConcurrentHashMap.newKeySet();
    private int at;
    private boolean closed;

    Bytes(int length) {
      content = new byte[length];
      new Random(length).nextBytes(content);
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
      assertFalse(closed, "read after it was closed");
      readers.add(Thread.currentThread());
      if (at == content.length) {
        return -1;
      }
      int n = Math.min(Math.min(50_021, into.remaining()), content.length - at);
      into.put(content, at, n);
      at += n;
      return n;
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private SpareProcessors processors(int count) {
    return new SpareProcessors(count, threads);
  }

  private static byte[] all(ReadAhead ahead) throws IOException {
    ByteArrayOutputStream read = new ByteArrayOutputStream();
    for (ByteBuffer b = ahead.next(); b.hasRemaining(); b = ahead.next()) {
      put(b, read);
    }
    assertFalse(ahead.next().hasRemaining(), "the end stays the end");
    return read.toByteArray();
  }

  @Test
  void helperReadsAheadWhileAProcessorIsFree() throws Exception {
    for (int length : new int[] {0, 1, LayerBuffers.BUFFER, 5 << 20, (3 << 20) + 17}) {
      SpareProcessors two = processors(2);
      Bytes source = new Bytes(length);
      two.enter();
      try (ReadAhead ahead = new ReadAhead(source, own, two, ReadAheadTest::nothing)) {
        assertArrayEquals(source.content, all(ahead));
      }
      two.leave();
      assertFalse(source.readers.contains(Thread.currentThread()), "the reader read itself");
      assertEquals(1, source.readers.size());
      assertTrue(source.closed);
    }
  }

  @Test
  void withoutAFreeProcessorTheReaderReadsItself() throws Exception {
    SpareProcessors one = processors(1);
    Bytes source = new Bytes(2 << 20);
    one.enter();
    try (ReadAhead ahead = new ReadAhead(source, own, one, ReadAheadTest::nothing)) {
      assertArrayEquals(source.content, all(ahead));
    }
    assertEquals(Set.of(Thread.currentThread()), source.readers);
  }

  @Test
  void helperStopsWhenItsProcessorIsWantedAndTheReaderGoesOn() throws Exception {
    SpareProcessors two = processors(2);
    two.enter();
    Bytes source = new Bytes(4 << 20);
    ByteArrayOutputStream read = new ByteArrayOutputStream();
    try (ReadAhead ahead = new ReadAhead(source, own, two, ReadAheadTest::nothing)) {
      put(ahead.next(), read);
      two.enter();
      for (ByteBuffer b = ahead.next(); b.hasRemaining(); b = ahead.next()) {
        put(b, read);
      }
    }
    assertArrayEquals(source.content, read.toByteArray());
    assertEquals(2, source.readers.size(), "first a helper, then the reader");
  }

  private static void put(ByteBuffer b, ByteArrayOutputStream read) throws IOException {
    byte[] piece = new byte[b.remaining()];
    b.get(piece);
    read.write(piece);
  }

  @Test
  void failureOfTheSourceIsTheReaders() throws Exception {
    IOException broken = new IOException("broken");
    SpareProcessors two = processors(2);
    Bytes source =
        new Bytes(8 << 20) {
          private int reads;

          @Override
          public int read(ByteBuffer into) throws IOException {
            if (++reads > 40) {
              throw broken;
            }
            return super.read(into);
          }
        };
    try (ReadAhead ahead = new ReadAhead(source, own, two, ReadAheadTest::nothing)) {
      assertSame(broken, assertThrows(IOException.class, () -> all(ahead)));
      assertSame(broken, assertThrows(IOException.class, ahead::next), "and stays so");
    }
    assertTrue(source.closed);
  }

  @Test
  void closingEndsAHelperThatWaitsForTheSource() throws Exception {
    SpareProcessors two = processors(2);
    CountDownLatch abandoned = new CountDownLatch(1);
    CountDownLatch waiting = new CountDownLatch(1);
    Bytes source =
        new Bytes(8 << 20) {
          private int reads;

          @Override
          public int read(ByteBuffer into) throws IOException {
            if (++reads > 20) {
              waiting.countDown();
              Patience.await("the source is abandoned", abandoned);
              throw new IOException("abandoned");
            }
            return super.read(into);
          }
        };
    ReadAhead ahead = new ReadAhead(source, own, two, abandoned::countDown);
    ahead.next();
    Patience.await("a helper waits for the source", waiting);
    ahead.close();
    assertTrue(source.closed);
    assertEquals(0, abandoned.getCount());
  }

  /** What the helper reads must not be freed under it, whatever goes wrong. */
  @Test
  void helperHasEndedAndTheSourceIsClosedThoughAbandoningFails() throws Exception {
    SpareProcessors two = processors(2);
    Bytes source = new Bytes(8 << 20);
    ReadAhead ahead =
        new ReadAhead(
            source,
            own,
            two,
            () -> {
              throw new IllegalStateException("as the test wants it");
            });
    ahead.next();
    assertThrows(IllegalStateException.class, ahead::close);
    assertTrue(source.closed);
  }

  @Test
  void closingEndsAHelperThatWaitsForRoom() throws Exception {
    SpareProcessors two = processors(2);
    Bytes source = new Bytes(8 << 20);
    ReadAhead ahead = new ReadAhead(source, own, two, ReadAheadTest::nothing);
    ahead.next();
    ahead.close();
    assertTrue(source.closed);
    assertFalse(two.crowded());
  }
}
