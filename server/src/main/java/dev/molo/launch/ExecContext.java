package dev.molo.launch;

import dev.molo.linux.Fd;
import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.ImageDefaults;
import dev.molo.spec.SandboxSpec;
import java.util.List;
import java.util.Optional;

/**
 * All that is needed to run one more program in a running container, with the container's own user,
 * environment, capabilities and filters. The descriptors stay the caller's.
 *
 * @param command not empty
 * @param hostname as in {@link LaunchContext}
 * @param user the container's own
 * @param cgroup the leaf it is born into: a child of the container's
 * @param terminal whether it gets a terminal; {@code stdout} and {@code stderr} are not used then
 * @param stdin absent: /dev/null, unless {@code terminal}
 * @param stdout absent: /dev/null
 * @param stderr absent: /dev/null
 */
public record ExecContext(
    ContainerId containerId,
    SandboxSpec sandbox,
    ContainerSpec container,
    ImageDefaults image,
    List<String> command,
    String hostname,
    ProcessUser user,
    Fd cgroup,
    boolean terminal,
    Optional<Fd> stdin,
    Optional<Fd> stdout,
    Optional<Fd> stderr) {
  /** Copies the list. */
  public ExecContext {
    command = List.copyOf(command);
  }
}
