package dev.molo.pod;

import dev.molo.cgroup.ContainerCgroup;
import dev.molo.cgroup.ExecCgroup;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.launch.ExecContext;
import dev.molo.launch.Launch;
import dev.molo.linux.Deadlines;
import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import dev.molo.pod.CallerPresence.Registration;
import dev.molo.supervisor.PodSupervisor;
import dev.molo.supervisor.ProcessExit;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * CRI ExecSync: runs a program in a container and collects what it prints. Never touches the lane:
 * a probe that hangs delays nobody.
 */
final class ExecSync {
  private static final Logger log = LoggerFactory.getLogger(ExecSync.class);

  /** A process that lives longer is held by the kernel; its cgroup is left, and that is told. */
  private static final Duration DEATH_LIMIT = Duration.ofSeconds(5);

  /** A name that no exec of a former daemon has, which may still run. */
  private static final String PREFIX = Long.toString(System.currentTimeMillis(), 36) + "-";

  private final Node node;
  private final SupervisorEvents events;
  private final ExecCaptures captures;
  private final AtomicLong counter = new AtomicLong();

  ExecSync(Node node, SupervisorEvents events, ExecCaptures captures) {
    this.node = node;
    this.events = events;
    this.captures = captures;
  }

  ExecOutcome run(String id, List<String> command, long timeoutSeconds, CallerPresence caller) {
    Container container = node.containers().get(id);
    if (command.isEmpty()) {
      throw FaultException.invalid("exec in container %s: cmd is empty", container.id());
    }
    ContainerCgroup leaf =
        container
            .cgroup()
            .filter(present -> container.state() instanceof ContainerState.Running)
            .orElseThrow(() ->
                FaultException.precondition(
                    "exec in container %s: it does not run", container.id()));
    String name = PREFIX + Long.toString(counter.incrementAndGet(), 36);
    try (ExecCgroup own = makeLeaf(container, leaf, name)) {
      return run(container, own, name, command, timeoutSeconds, caller);
    }
  }

  private static ExecCgroup makeLeaf(Container container, ContainerCgroup leaf, String name) {
    try {
      return leaf.exec(name);
    } catch (LinuxException | IllegalStateException e) {
      if (container.state() instanceof ContainerState.Running) {
        throw e;
      }
      throw justEnded(container, e);
    }
  }

  private static FaultException justEnded(Container container, RuntimeException cause) {
    return new FaultException(
        Fault.FAILED_PRECONDITION,
        "exec in container %s: it has just ended".formatted(container.id()),
        cause);
  }

  private ExecOutcome run(
      Container container,
      ExecCgroup leaf,
      String name,
      List<String> command,
      long timeoutSeconds,
      CallerPresence caller) {
    CompletableFuture<ProcessExit> exit = events.execExit(container.pod().id(), name);
    ExecCapture capture = captures.open();
    boolean collected = false;
    CompletableFuture<Void> callerGone = new CompletableFuture<>();
    try (Registration _ = caller.onGone(() -> callerGone.complete(null))) {
      int pid = start(container, leaf, name, command, capture);
      ProcessExit ended = await(container, leaf, exit, callerGone, timeoutSeconds, command, pid);
      drain(capture);
      ExecOutcome outcome = capture.collect(ended.code());
      collected = true;
      leaf.removeIfEmpty();
      return outcome;
    } catch (RuntimeException e) {
      remove(leaf, e);
      throw e;
    } finally {
      events.forgetExec(name);
      if (!collected) {
        capture.close();
      }
    }
  }

  /** A process that does not die, as the kernel holds it, is no answer to what was asked. */
  private static void remove(ExecCgroup leaf, RuntimeException cause) {
    try {
      leaf.remove();
    } catch (LinuxException e) {
      log.warn("the cgroup of an exec stays until its container goes: {}", e.getMessage());
      cause.addSuppressed(e);
    }
  }

  /** Returns its process, as the host counts. */
  private int start(
      Container container,
      ExecCgroup leaf,
      String name,
      List<String> command,
      ExecCapture capture) {
    Pod pod = container.pod();
    ExecContext context =
        new ExecContext(
            container.id(),
            pod.spec(),
            container.currentSpec(),
            container.image(),
            command,
            pod.hostname(),
            container.user(),
            leaf.directory(),
            false,
            Optional.empty(),
            Optional.of(capture.stdout()),
            Optional.of(capture.stderr()));
    try (Launch launch = node.launches().execPlan(context);
        PodSupervisor.Started started =
            pod.readySupervisor()
                .exec(
                    container.id(),
                    name,
                    launch.plan().operations(),
                    launch.plan().descriptors(),
                    node.settings().verbLimit())) {
      capture.begin();
      return started.pid();
    } catch (LinuxException e) {
      // its namespaces went, or its cgroup was killed, before the program was executed
      if (e.errno() == Errno.ESRCH || e.errno() == Errno.ECANCELED) {
        throw justEnded(container, e);
      }
      throw e;
    }
  }

  private static ProcessExit await(
      Container container,
      ExecCgroup leaf,
      CompletableFuture<ProcessExit> exit,
      CompletableFuture<Void> callerGone,
      long timeoutSeconds,
      List<String> command,
      int pid) {
    try {
      CompletableFuture<Object> first = CompletableFuture.anyOf(exit, callerGone);
      if (timeoutSeconds > 0) {
        Deadlines.get(first, Duration.ofSeconds(timeoutSeconds));
      } else {
        first.get();
      }
      if (exit.isDone()) {
        return exit.get();
      }
      throw ended(leaf, Fault.CANCELLED, "the caller hung up", container, command);
    } catch (TimeoutException e) {
      String why =
          "it did not end within %d s and was killed; process %d was %s"
              .formatted(timeoutSeconds, pid, StuckProcess.describe(pid));
      FaultException late = ended(leaf, Fault.DEADLINE_EXCEEDED, why, container, command);
      awaitDeath(exit);
      throw late;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw ended(leaf, Fault.CANCELLED, "interrupted", container, command);
    } catch (ExecutionException e) {
      throw new FaultException(
          Fault.UNAVAILABLE,
          "exec %s in container %s: %s"
              .formatted(shown(command), container.id(), e.getCause().getMessage()),
          e.getCause());
    }
  }

  private static FaultException ended(
      ExecCgroup leaf, Fault kind, String why, Container container, List<String> command) {
    leaf.kill();
    return new FaultException(
        kind, "exec %s in container %s: %s".formatted(shown(command), container.id(), why));
  }

  /**
   * Whoever is told that it was killed looks for it next, and must not find it on its way out: its
   * cgroup lets go of a process before it is reaped.
   */
  private static void awaitDeath(CompletableFuture<ProcessExit> exit) {
    try {
      Deadlines.get(exit, DEATH_LIMIT);
    } catch (TimeoutException | ExecutionException e) {
      log.debug("an exec that was killed has not been reaped", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The program's name only: arguments may be secrets. */
  private static String shown(List<String> command) {
    String program = command.getFirst();
    return program.length() <= 80 ? program : program.substring(0, 80) + "…";
  }

  /** What is still in the pipes is read; a background child that holds them is not waited for. */
  private void drain(ExecCapture capture) {
    try {
      capture.ended().get(node.settings().execDrain().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      // as documented: the child lives on, its later output is thrown away
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new FaultException(
          Fault.INTERNAL,
          "collect what an exec'd program printed: " + e.getCause().getMessage(),
          e.getCause());
    }
  }
}
