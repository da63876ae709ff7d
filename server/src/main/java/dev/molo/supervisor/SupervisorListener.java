package dev.molo.supervisor;

import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;

/**
 * What a supervisor tells unasked. Called on the reactor thread, in the order of the socket: never
 * block here, hand over to the pod's lane. After a reconnect an exit may be told a second time;
 * treat the repetition as nothing new.
 */
public interface SupervisorListener {

  /** A container's init has ended, its leaf is killed, its log complete, its exit on disk. */
  void exited(SandboxId pod, ExitRecord exit);

  /** An exec'd program has ended. */
  void execExited(SandboxId pod, ContainerId container, String exec, ProcessExit exit);

  /** Lines of a container's log had to be dropped, or can be written again. */
  void logTrouble(SandboxId pod, ContainerId container, LogStats stats);

  /**
   * The supervisor is gone (its socket closed and we did not close it). Told once. Whatever was in
   * flight has failed with UNAVAILABLE.
   */
  void lost(SandboxId pod);
}
