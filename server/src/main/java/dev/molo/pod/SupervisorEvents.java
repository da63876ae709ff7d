package dev.molo.pod;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;
import dev.molo.supervisor.ExitRecord;
import dev.molo.supervisor.LogStats;
import dev.molo.supervisor.ProcessExit;
import dev.molo.supervisor.SupervisorListener;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What supervisors tell unasked, handed over to the pods' lanes. Called on the reactor's thread, so
 * nothing here waits.
 */
final class SupervisorEvents implements SupervisorListener {
  private static final Logger log = LoggerFactory.getLogger(SupervisorEvents.class);

  private final Node node;
  private final Map<String, RunningExec> execs = new ConcurrentHashMap<>();

  private record RunningExec(SandboxId pod, CompletableFuture<ProcessExit> exit) {}

  SupervisorEvents(Node node) {
    this.node = node;
  }

  /**
   * Completed when the exec of this name has ended, with a failure when its supervisor is gone; to
   * be asked for before it is started.
   */
  CompletableFuture<ProcessExit> execExit(SandboxId pod, String exec) {
    return execs.computeIfAbsent(exec, _ -> new RunningExec(pod, new CompletableFuture<>())).exit();
  }

  /** Nobody waits for this exec any more. */
  void forgetExec(String exec) {
    execs.remove(exec);
  }

  @Override
  public void exited(SandboxId pod, ExitRecord exit) {
    onLane(
        pod,
        found ->
            container(found, exit.container())
                .ifPresent(container -> {
                  container.becameExited(exit);
                  tidy(found, container);
                }));
  }

  /** The leaf is killed already; its folder goes, and with it the counters. */
  private static void tidy(Pod pod, Container container) {
    container.leftCgroup();
    pod.cgroup().ifPresent(cgroup -> cgroup.removeContainer(container.id()));
  }

  @Override
  public void execExited(SandboxId pod, ContainerId container, String exec, ProcessExit exit) {
    RunningExec waiting = execs.remove(exec);
    if (waiting != null) {
      waiting.exit().complete(exit);
    }
  }

  @Override
  public void logTrouble(SandboxId pod, ContainerId container, LogStats stats) {
    log.warn("log of container {} in pod {}: {}", container.brief(), pod.brief(), stats);
  }

  @Override
  public void lost(SandboxId pod) {
    // nobody else would ever tell those who wait for a program in there
    execs.values().stream()
        .filter(exec -> exec.pod().equals(pod))
        .forEach(exec -> exec.exit().completeExceptionally(supervisorGone(pod)));
    onLane(
        pod,
        found -> {
          // a stop ends the supervisor itself, and knows
          if (found.isReady() && !found.isStopping()) {
            log.warn("the supervisor of pod {} is gone: the pod ends", pod);
            // a stop that is asked for meanwhile waits for this one
            var _ = found.beginStop();
            node.threads().execute(() -> endLost(found));
          }
        });
  }

  private void endLost(Pod pod) {
    Optional<RuntimeException> failure = Optional.empty();
    try {
      new LostPod(node).end(pod, "its supervisor has ended");
    } catch (RuntimeException e) {
      log.error("end pod {}, whose supervisor is gone", pod.id(), e);
      failure = Optional.of(e);
    }
    Optional<RuntimeException> outcome = failure;
    pod.lane().run(() -> pod.endStop(outcome));
  }

  private static FaultException supervisorGone(SandboxId pod) {
    return new FaultException(
        Fault.UNAVAILABLE, "the supervisor of pod %s has ended".formatted(pod));
  }

  private void onLane(SandboxId id, Consumer<Pod> work) {
    Optional<Pod> pod = node.pods().exact(id.value());
    if (pod.isEmpty()) {
      return;
    }
    var _ =
        pod.get()
            .lane()
            .submit(() -> {
              work.accept(pod.get());
              return null;
            })
            .whenComplete((done, failure) -> {
              if (failure != null) {
                log.error("deal with what the supervisor of pod {} told", id, failure);
              }
            });
  }

  private static Optional<Container> container(Pod pod, ContainerId id) {
    return pod.containers().stream().filter(c -> c.id().equals(id)).findFirst();
  }
}
