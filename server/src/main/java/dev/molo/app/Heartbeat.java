package dev.molo.app;

import dev.molo.pod.PodRuntime;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the daemon still does its work: work goes through a lane and the pods' condition is told
 * in time. One pod's slow step (a hung file system below a volume) does not make a daemon sick, and
 * a restart would not cure it; Status names such steps. Used by one thread at a time.
 */
final class Heartbeat implements BooleanSupplier, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Heartbeat.class);

  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("molo-heartbeat").factory());
  private final PodRuntime pods;
  private final Duration limit;

  Heartbeat(PodRuntime pods, Duration limit) {
    this.pods = pods;
    this.limit = limit;
  }

  @Override
  public boolean getAsBoolean() {
    Future<?> told =
        threads.submit(() -> {
          pods.pulse();
          return pods.condition();
        });
    try {
      told.get(limit.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      log.debug("no condition within {}", limit, e);
      told.cancel(true);
      return false;
    } catch (ExecutionException e) {
      log.error("the pods' condition could not be told", e.getCause());
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
