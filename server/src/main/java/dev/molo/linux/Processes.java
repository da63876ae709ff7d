package dev.molo.linux;

import java.util.Optional;

/** Processes by pidfd: a number can be reused, a descriptor cannot. Thread-safe. */
public interface Processes {

  /**
   * Starts a program by clone3(2) with CLONE_VM, CLONE_VFORK and CLONE_PIDFD. Returns when the
   * child has called exec, about 0.1 ms. An error of clone or exec or of a step between is a {@link
   * LinuxException} naming the step.
   */
  Spawned spawn(SpawnRequest request);

  /** pidfd_open(2); ESRCH when no such process. */
  Fd pidfdOpen(int pid);

  /**
   * pidfd_send_signal(2).
   *
   * @return false when the process has ended (ESRCH)
   */
  boolean pidfdSendSignal(Fd pidfd, int signal);

  /** pidfd_getfd(2): a copy of the process's descriptor {@code number}. */
  Fd pidfdGetfd(Fd pidfd, int number);

  /**
   * Reaps a child that has ended: waitid(P_PIDFD, WEXITED|WNOHANG); empty while it runs; ECHILD if
   * not our child.
   */
  Optional<ExitStatus> waitid(Fd pidfd);

  /**
   * Waits for a child and reaps it. May block: on a virtual thread it runs on the pool, so bound
   * its use.
   */
  ExitStatus waitidBlocking(Fd pidfd);

  /**
   * Whether the process has ended (its pidfd polls readable); works for processes that are not
   * children.
   */
  boolean exited(Fd pidfd);
}
