package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.ImageDefaults;
import dev.molo.spec.SandboxSpec;

/**
 * Turns requests into launch plans.
 *
 * <p>Failures: {@link FaultException} INVALID_ARGUMENT, FAILED_PRECONDITION or UNIMPLEMENTED for
 * what the caller can change, naming the field as CRI spells it; {@link
 * dev.molo.linux.LinuxException} for what the kernel refused. Thread-safe.
 */
public final class Launches {
  private final Linux linux;
  private final LaunchSettings settings;

  /** Uses the given kernel and settings. */
  public Launches(Linux linux, LaunchSettings settings) {
    this.linux = linux;
    this.settings = settings;
  }

  /** Checks what a sandbox asks of its namespaces. Touches nothing. */
  public SetupPlan setup(SandboxSpec sandbox) {
    throw FaultException.unimplemented("setup of %s", sandbox.metadata());
  }

  /**
   * The operations of a setup, for {@code PodSupervisor.setup}; the caller may add those that
   * return descriptors.
   */
  public LaunchPlan.Builder setupOperations(SetupPlan setup) {
    throw FaultException.unimplemented("setup of %s", setup.hostname());
  }

  /**
   * Finds out who a container runs as, from its request, its image's USER and the user database in
   * its root.
   *
   * @param root the container's root, as a directory or a detached mount; only regular files in it
   *     are read, and no more than a bounded part
   */
  public ProcessUser resolveUser(Fd root, ContainerSpec container, ImageDefaults image) {
    throw FaultException.unimplemented("user of %s in %s", container.metadata(), root);
  }

  /**
   * Checks at CreateContainer what {@link #containerPlan} would refuse at StartContainer, as far as
   * it can be known then. Makes missing host paths of mounts.
   */
  public void check(SandboxSpec sandbox, ContainerSpec container, ImageDefaults image) {
    throw FaultException.unimplemented("check of %s", container.metadata());
  }

  /**
   * The plan that starts a container. Opens the host's side of its mounts, which may block in a
   * dead file system: call it off the lane.
   */
  public Launch containerPlan(LaunchContext context) {
    throw FaultException.unimplemented("plan of %s", context.containerId());
  }

  /** The plan that runs one more program in a running container. */
  public Launch execPlan(ExecContext context) {
    throw FaultException.unimplemented("exec in %s", context.containerId());
  }
}
