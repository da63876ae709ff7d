package dev.molo.supervisor;

import dev.molo.linux.Fd;
import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * One pod's supervisor, seen from the daemon.
 *
 * <p>Methods send one message and wait for its answer: call them on a virtual thread. They are
 * thread-safe; several may be in flight. Descriptors that are handed in stay the caller's (the
 * kernel copies them); descriptors in results are the caller's to close. Failures: {@link
 * LaunchFailure} (an operation of a plan), {@link dev.molo.linux.LinuxException} (anything else
 * that was refused; ESRCH: no such container or it does not run; EBUSY: not in this phase;
 * ETIMEDOUT: no answer in time), {@link dev.molo.fault.FaultException} UNAVAILABLE (the supervisor
 * is gone or we hung up).
 *
 * <p>A plan is the bytes of {@code dev.molo.launch.LaunchPlan#operations} with the descriptors of
 * {@code LaunchPlan#descriptors}.
 */
public interface PodSupervisor extends AutoCloseable {

  /** Key under which a container's root mount is held from CreateContainer on, by convention. */
  int KEY_ROOT = 1;

  /** Pod key of the shared /dev/shm, by convention. */
  int KEY_SHM = 1;

  SandboxId pod();

  /** As the host counts. */
  int pid();

  /** Whether its socket is open. */
  boolean connected();

  /** Every container it knows, in the order they were first named. */
  List<ContainerFacts> containers();

  /**
   * Runs a pod's plan in the supervisor itself: host name, sysctls, loopback, reaper, and
   * descriptors made inside the pod's namespaces.
   */
  SetUp setup(ByteBuffer plan, List<Fd> fds);

  /**
   * What {@link #setup} gave.
   *
   * @param fds of the operations that return one, in the plan's order
   * @param warnings what was done otherwise than asked
   */
  record SetUp(List<Fd> fds, List<String> warnings) {
    public SetUp {
      fds = List.copyOf(fds);
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * Keeps descriptors for a container that is to be started, as keys {@code firstKey},
   * firstKey+1...; one that was kept under a key before is replaced. They are closed when the
   * container's program has been exec'd, or with {@link #release}.
   */
  void hold(ContainerId container, int firstKey, List<Fd> fds);

  /** Keeps descriptors for all containers of the pod, until the supervisor ends. */
  void holdForPod(int firstKey, List<Fd> fds);

  /**
   * Forgets a container with its exit record on disk and what is held for it; an unknown one is
   * forgotten already. EBUSY while it runs.
   */
  void release(ContainerId container);

  /**
   * Starts a container; returns when its program has been exec'd.
   *
   * @param limit then the half-made process is killed and ETIMEDOUT thrown
   */
  Started start(ContainerId container, ByteBuffer plan, List<Fd> fds, Duration limit);

  /**
   * A process that runs.
   *
   * @param pid as the host counts
   * @param pidfd the caller's to close
   * @param terminal an exec's terminal (its master side), where the plan asked for one
   */
  record Started(int pid, Fd pidfd, Optional<Fd> terminal, List<String> warnings)
      implements AutoCloseable {
    public Started {
      warnings = List.copyOf(warnings);
    }

    @Override
    public void close() {
      pidfd.close();
      terminal.ifPresent(Fd::close);
    }
  }

  /**
   * Runs a program beside a running container's; its end is told by {@link
   * SupervisorListener#execExited}, possibly before this returns.
   *
   * @param exec a name that no running exec of this pod has: 1 to 64 of {@code [A-Za-z0-9_.-]}
   */
  Started exec(ContainerId container, String exec, ByteBuffer plan, List<Fd> fds, Duration limit);

  /**
   * Sends a signal to a container's init.
   *
   * @return false when it does not run
   */
  boolean signal(ContainerId container, int signal);

  /** Sends a signal to an exec'd program; false when it has ended. */
  boolean signalExec(String exec, int signal);

  /** SIGKILL for everything in the container's cgroup leaf; false when it does not run. */
  boolean kill(ContainerId container);

  /**
   * SIGKILL for everything in the exec's own cgroup leaf (its program alone, when its plan named
   * none); false when it has ended.
   */
  boolean killExec(String exec);

  /**
   * Makes the container log to another file; returns when the former one is written no more.
   *
   * @param log O_APPEND; empty: read and discard
   */
  void reopenLog(ContainerId container, Optional<Fd> log);

  /** Sets the size of a container's terminal. */
  void resize(ContainerId container, int rows, int columns);

  /**
   * The container's terminal (master side) or the write end of its stdin; empty when it has
   * neither. Output is copied into the sinks from now on, as far as they take it without blocking.
   *
   * @param stdout write end of a pipe or socket; also takes a terminal's output
   */
  Optional<Fd> attach(ContainerId container, Optional<Fd> stdout, Optional<Fd> stderr);

  /** Closes the supervisor's write end of the container's stdin. */
  void closeStdin(ContainerId container);

  /** What became of the container's output so far. */
  LogStats logStats(ContainerId container);

  /**
   * Kills every leaf, waits until the containers' ends are announced (or the limit is over), and
   * ends the supervisor.
   */
  void shutdown(Duration limit);

  /** Hangs up; the supervisor and its pod go on. */
  @Override
  void close();
}
