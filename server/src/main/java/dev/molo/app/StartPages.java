package dev.molo.app;

import dev.molo.linux.Memory;
import io.vertx.core.Vertx;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What only a start reads: at its end about 40 MB of the AOT cache and of the virtual machine's
 * code are mapped. They are given back once the start is over; what is needed comes again from the
 * page cache: little where that holds small pages, most of it where it holds huge ones.
 * Thread-safe.
 */
final class StartPages implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StartPages.class);

  /** After a start with many pods to recover, too, all is quiet by then. */
  private static final Duration SETTLED = Duration.ofSeconds(3);

  private final Vertx vertx;
  private final long timer;

  private StartPages(Vertx vertx, long timer) {
    this.vertx = vertx;
    this.timer = timer;
  }

  static StartPages giveBackSoon(Memory memory, Vertx vertx) {
    long timer =
        vertx.setTimer(SETTLED.toMillis(), id -> Thread.startVirtualThread(() -> giveBack(memory)));
    return new StartPages(vertx, timer);
  }

  private static boolean readByAStart(String file) {
    return file.endsWith("/serve.aot") || file.endsWith("/libjvm.so");
  }

  private static void giveBack(Memory memory) {
    try {
      log.debug("gave back {} bytes of pages", memory.releaseCleanPages(StartPages::readByAStart));
    } catch (RuntimeException e) {
      // the daemon serves as well with more memory
      log.warn("pages that only the start needs stay mapped", e);
    }
  }

  @Override
  public void close() {
    vertx.cancelTimer(timer);
  }
}
