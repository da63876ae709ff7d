package dev.molo.pod;

import dev.molo.cgroup.ContainerCgroup;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.Deadlines;
import dev.molo.pod.ContainerState.Created;
import dev.molo.pod.ContainerState.Exited;
import dev.molo.pod.ContainerState.Running;
import dev.molo.pod.ContainerState.Unknown;
import dev.molo.pod.Lane.Waiting;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/**
 * CRI StopContainer: the stop signal, the grace period, then SIGKILL for the whole cgroup.
 *
 * <p>Signals on the lane, waits off it: two stops wait side by side, and the one whose grace ends
 * first kills.
 */
final class StopContainer {
  /** A killed process that is still there after this hangs in the kernel. */
  private static final Duration KILL_LIMIT = Duration.ofSeconds(20);

  /** Longer than any grace that makes sense (a year); keeps the arithmetic from overflowing. */
  private static final long MAX_GRACE_SECONDS = 366L * 24 * 3600;

  /** A program may take this long to ask for its stop signal. */
  private static final Duration YOUNG = Duration.ofSeconds(5);

  /** How long the signal waits for that, and how often is looked. */
  private static final Duration HEED_LIMIT = Duration.ofSeconds(1);

  private static final Duration HEED_PAUSE = Duration.ofMillis(5);

  private final Node node;

  StopContainer(Node node) {
    this.node = node;
  }

  void run(String id, long graceSeconds) {
    node.containers().find(id).ifPresent(container -> stop(container, graceSeconds));
  }

  /** Returns when the container has ended. */
  void stop(Container container, long graceSeconds) {
    String object = "container " + container.id().brief();
    try (Verbs.Verb verb = node.verbs().begin("StopContainer", object)) {
      container
          .pod()
          .lane()
          .call(() -> container.beginStop(node.now()))
          .ifPresent(Waiting::uninterruptibly);
      if (!mustEnd(container)) {
        return;
      }
      Duration grace = Duration.ofSeconds(Math.clamp(graceSeconds, 0, MAX_GRACE_SECONDS));
      if (grace.isPositive()) {
        verb.step("signal", "supervisor");
        Duration left = grace.minus(signal(container));
        verb.step("wait for the grace period", "the container's program");
        if (ended(container, left)) {
          return;
        }
      }
      verb.step("kill", "kernel");
      kill(container);
      verb.step("wait for the end", "kernel");
      if (!ended(container, KILL_LIMIT)) {
        throw stuck(container);
      }
      verb.step("answer");
    }
  }

  private boolean mustEnd(Container container) {
    return container
        .pod()
        .lane()
        .call(() ->
            switch (container.state()) {
              case Created c -> false;
              case Running r -> true;
              case Exited e -> false;
              case Unknown u -> true;
            });
  }

  /** Returns the part of the grace period that passed before. */
  private Duration signal(Container container) {
    StopSignal signal = StopSignal.named(container.stopSignal());
    Duration waited = awaitHeed(container, signal.number());
    container
        .pod()
        .supervisor()
        .ifPresent(supervisor -> supervisor.signal(container.id(), signal.number()));
    return waited;
  }

  /** A pod deleted right after its start would else live on until its grace is over. */
  private Duration awaitHeed(Container container, int signal) {
    Duration waited = Duration.ZERO;
    if (container.state() instanceof Running running
        && node.now() - running.startedAt() < YOUNG.toNanos()) {
      while (waited.compareTo(HEED_LIMIT) < 0
          && !SignalReadiness.reaches(running.pid(), signal)
          && !ended(container, HEED_PAUSE)) {
        waited = waited.plus(HEED_PAUSE);
      }
    }
    return waited;
  }

  private static void kill(Container container) {
    // on the lane, or its end could close the cgroup under our hands
    container.pod().lane().run(() -> container.cgroup().ifPresent(ContainerCgroup::kill));
  }

  private static boolean ended(Container container, Duration limit) {
    try {
      Deadlines.get(container.exit(), limit);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FaultException(
          Fault.CANCELLED, "wait for the end of container " + container.id() + ": interrupted", e);
    } catch (java.util.concurrent.ExecutionException e) {
      throw new IllegalStateException("an exit cannot fail", e);
    }
  }

  private static FaultException stuck(Container container) {
    String where =
        container.state() instanceof Running running
            ? "process %d %s".formatted(running.pid(), StuckProcess.describe(running.pid()))
            : "it never ran";
    return new FaultException(
        Fault.DEADLINE_EXCEEDED,
        "stop container %s: it was killed %d s ago and has not ended: %s"
            .formatted(container.id(), KILL_LIMIT.toSeconds(), where));
  }
}
