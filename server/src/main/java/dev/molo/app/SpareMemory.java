package dev.molo.app;

import dev.molo.linux.Memory;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives back what a start, a pull or a burst of pods needed and the time after it does not: pages
 * of the AOT cache and of the virtual machine's code, which come again from the page cache, and
 * garbage that became old, which SerialGC leaves lying until the heap is at its bound. After pulls
 * at once, else once the heap has hardly changed for a moment, so that the pause of a collection
 * (some 20 ms) meets nobody. Thread-safe.
 */
final class SpareMemory implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SpareMemory.class);
  private static final Duration LOOK = Duration.ofSeconds(1);

  private final Memory memory;
  private final LongSupplier used;
  private final QuietHeap heap = new QuietHeap();
  private final Vertx vertx;
  private final long timer;

  private SpareMemory(Memory memory, LongSupplier used, Vertx vertx) {
    this.memory = memory;
    this.used = used;
    this.vertx = vertx;
    this.timer = vertx.setPeriodic(LOOK.toMillis(), id -> look());
  }

  /** Begins to look, once a second. */
  static SpareMemory watch(Memory memory, Vertx vertx) {
    Runtime runtime = Runtime.getRuntime();
    return new SpareMemory(memory, () -> runtime.totalMemory() - runtime.freeMemory(), vertx);
  }

  private void look() {
    if (heap.isQuiet(used.getAsLong(), System.nanoTime())) {
      Thread.startVirtualThread(this::giveBack);
    }
  }

  /** No pull is under way any more. Blocks for a moment when there is something to give back. */
  void pullsOver() {
    if (heap.hasGrown(used.getAsLong())) {
      giveBack();
    }
  }

  private void giveBack() {
    long before = used.getAsLong();
    if (heap.hasGrown(before)) {
      System.gc();
      heap.collected(used.getAsLong());
    }
    try {
      log.debug(
          "gave back {} bytes of the heap, {} of pages",
          before - used.getAsLong(),
          memory.releaseCleanPages(SpareMemory::isReadNowAndThen));
    } catch (RuntimeException e) {
      // the daemon serves as well with more memory
      log.warn("pages that are not needed stay mapped", e);
    }
  }

  private static boolean isReadNowAndThen(String file) {
    return file.endsWith("/serve.aot") || file.endsWith("/libjvm.so");
  }

  @Override
  public void close() {
    vertx.cancelTimer(timer);
  }
}
