package dev.molo.network;

import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.network.rtnl.LinkEvents;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread {@code molo-network-reaper}: hears from the kernel which links are gone and passes it
 * on; while links are expected to go, it also gives the owner a turn every second. Between pods'
 * ends it sleeps in the kernel.
 */
final class LinkReaper implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LinkReaper.class);
  private static final int TURN_MILLIS = 1000;
  private static final int CLOSE_MILLIS = 5000;

  private final LinkEvents events;
  private final Consumer<LinkEvents.Deletions> owner;
  private final Thread thread;
  private volatile boolean closed;
  private volatile boolean expecting;

  /**
   * @param owner called on the reaper's thread for each wait that ended; may block
   */
  LinkReaper(Linux linux, Consumer<LinkEvents.Deletions> owner) {
    this.owner = owner;
    this.events = new LinkEvents(linux);
    this.thread = Thread.ofPlatform().name("molo-network-reaper").daemon().start(this::watch);
  }

  /** Whether links are expected to go. */
  void expect(boolean some) {
    boolean before = expecting;
    expecting = some;
    if (some && !before) {
      events.wake();
    }
  }

  private void watch() {
    while (!closed) {
      try {
        LinkEvents.Deletions deletions = events.await(expecting ? TURN_MILLIS : -1);
        if (!closed && (expecting || !deletions.deleted().isEmpty() || deletions.lost())) {
          owner.accept(deletions);
        }
      } catch (LinuxException e) {
        log.error("wait for links to go: {}", e.getMessage(), e);
        pause();
      } catch (RuntimeException e) {
        log.error("handle links that are gone", e);
        pause();
      }
    }
  }

  /** A failure that stays must not become a busy loop. */
  private void pause() {
    try {
      Thread.sleep(TURN_MILLIS);
    } catch (InterruptedException e) {
      closed = true;
    }
  }

  @Override
  public void close() {
    closed = true;
    events.wake();
    try {
      thread.join(CLOSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (thread.isAlive()) {
      log.warn("the reaper of links did not end within {} ms; its sockets stay", CLOSE_MILLIS);
      return;
    }
    events.close();
  }
}
