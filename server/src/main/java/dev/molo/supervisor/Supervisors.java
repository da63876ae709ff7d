package dev.molo.supervisor;

import dev.molo.spec.SandboxId;
import java.util.List;
import java.util.Optional;

/**
 * Starts pod supervisors and finds those again that a former daemon started.
 *
 * <p>The real one is {@link NativeSupervisors}. Methods block for a few milliseconds; thread-safe.
 */
public interface Supervisors extends AutoCloseable {

  /**
   * Makes {@code RUN/pods/ID} (0700) with {@code exits/} in it, binds {@code supervisor.sock} there
   * (0600), starts the supervisor in its namespaces and cgroup, connects and agrees on a version.
   * When any of it fails, nothing is left but an empty directory at most.
   *
   * @throws dev.molo.linux.LinuxException what the kernel refused
   */
  PodSupervisor launch(SupervisorSpec spec, SupervisorListener listener);

  /**
   * Connects to the supervisor that a former daemon started; what ended meanwhile is told to the
   * listener again, before or after this returns. A former connection, if any, is closed by the
   * supervisor.
   *
   * @return empty when none answers (it died, or the machine was booted): {@link ExitRecords} may
   *     still tell how its containers ended
   */
  Optional<PodSupervisor> reconnect(SandboxId pod, SupervisorListener listener);

  /** The pods that have a {@code RUN/pods/ID}. */
  List<SandboxId> runDirectories();

  /** Removes {@code RUN/pods/ID} with everything in it; nothing happens when it is gone. */
  void removeRunDirectory(SandboxId pod);

  /** Hangs up on all supervisors; they and their pods go on. */
  @Override
  void close();
}
