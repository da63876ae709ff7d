package dev.molo.supervisor;

import dev.molo.spec.ContainerId;
import java.util.List;
import java.util.Optional;

/**
 * What a supervisor knows about one container.
 *
 * @param pid its init as the host counts; 0 unless it runs
 * @param startedAt ns since the epoch; 0 when it never ran
 * @param exit present once {@code phase} is EXITED
 * @param execs names of the exec'd programs that run now
 */
public record ContainerFacts(
    ContainerId container,
    Phase phase,
    int pid,
    long startedAt,
    Optional<ExitRecord> exit,
    List<String> execs) {
  public ContainerFacts {
    execs = List.copyOf(execs);
  }

  /** Where a container stands for its supervisor. */
  public enum Phase {
    /** Descriptors are held for it, nothing has run (or its start failed). */
    HELD,
    /** Between clone and exec. */
    STARTING,
    RUNNING,
    /** Its init has ended, its log is being drained. */
    ENDING,
    EXITED
  }
}
