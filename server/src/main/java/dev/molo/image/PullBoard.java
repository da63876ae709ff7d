package dev.molo.image;

import dev.molo.image.content.Descriptor;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The progress of one pull, written by its threads, read by anybody. Listeners hear of it ten times
 * a second at most.
 */
final class PullBoard {
  private static final long INTERVAL_NANOS = 100_000_000;

  private final String reference;
  private final Instant since;
  private final List<PullListener> listeners = new CopyOnWriteArrayList<>();
  private final AtomicLong lastTold = new AtomicLong();
  private volatile PullProgress.Stage stage = PullProgress.Stage.RESOLVING;
  private volatile long syncingSince = System.nanoTime();
  private volatile List<Line> lines = List.of();

  /** One layer's line. */
  static final class Line {
    private final Descriptor blob;
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicReference<PullProgress.LayerStage> stage =
        new AtomicReference<>(PullProgress.LayerStage.WAITING);

    private final Rate rate = new Rate(System.nanoTime());

    Line(Descriptor blob) {
      this.blob = blob;
    }

    void at(PullProgress.LayerStage now) {
      stage.set(now);
    }

    private void received(long all) {
      bytes.set(all);
      rate.at(all, System.nanoTime());
      stage.compareAndSet(PullProgress.LayerStage.WAITING, PullProgress.LayerStage.FETCHING);
    }

    private PullProgress.Layer snapshot() {
      PullProgress.LayerStage at = stage.get();
      long now = at == PullProgress.LayerStage.FETCHING ? rate.now(System.nanoTime()) : 0;
      return new PullProgress.Layer(blob.digest(), at, bytes.get(), blob.size(), now);
    }
  }

  PullBoard(String reference, Instant since) {
    this.reference = reference;
    this.since = since;
  }

  void listen(PullListener listener) {
    listeners.add(listener);
  }

  void stopListening(PullListener listener) {
    listeners.remove(listener);
  }

  void stage(PullProgress.Stage now) {
    if (now == PullProgress.Stage.SYNCING) {
      syncingSince = System.nanoTime();
    }
    stage = now;
    tell(true);
  }

  /** How long everything has been unpacked, and waits for the disk. */
  Duration syncing() {
    return Duration.ofNanos(System.nanoTime() - syncingSince);
  }

  List<Line> layers(List<Descriptor> blobs) {
    List<Line> made = new ArrayList<>();
    blobs.forEach(blob -> made.add(new Line(blob)));
    lines = List.copyOf(made);
    return lines;
  }

  void received(Line line, long bytes) {
    line.received(bytes);
    tell(false);
  }

  void reached(Line line, PullProgress.LayerStage now) {
    line.at(now);
    tell(true);
  }

  PullProgress snapshot() {
    return new PullProgress(reference, stage, since, lines.stream().map(Line::snapshot).toList());
  }

  private void tell(boolean always) {
    if (listeners.isEmpty()) {
      return;
    }
    long now = System.nanoTime();
    long last = lastTold.get();
    if (!always && now - last < INTERVAL_NANOS) {
      return;
    }
    if (!lastTold.compareAndSet(last, now) && !always) {
      return;
    }
    PullProgress snapshot = snapshot();
    listeners.forEach(listener -> listener.progress(snapshot));
  }
}
