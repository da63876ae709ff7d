package dev.molo.cgroup;

import dev.molo.linux.CgroupPrograms;
import dev.molo.linux.Fd;
import dev.molo.spec.ContainerId;
import dev.molo.spec.Resources;
import dev.molo.spec.SandboxId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A pod's cgroup: one leaf for its supervisor, one for each container, no processes and no limits
 * of its own. Holds two directories open. Thread-safe.
 */
public final class PodCgroup implements AutoCloseable {
  static final String SUPERVISOR = "supervisor";

  private final SandboxId id;
  private final CgroupDirectory parent;
  private final String name;
  private final CgroupDirectory directory;
  private final CgroupDirectory supervisor;
  private final LimitWriter limits;
  private final OptionalLong pidsLimit;
  private final CgroupPrograms programs;

  PodCgroup(
      SandboxId id,
      CgroupDirectory parent,
      String name,
      CgroupDirectory directory,
      LimitWriter limits,
      OptionalLong pidsLimit,
      CgroupPrograms programs) {
    this.id = id;
    this.parent = parent;
    this.name = name;
    this.directory = directory;
    this.supervisor = directory.makeChild(SUPERVISOR);
    this.limits = limits;
    this.pidsLimit = pidsLimit;
    this.programs = programs;
  }

  public SandboxId id() {
    return id;
  }

  /** As the host sees it. */
  public String path() {
    return directory.path();
  }

  /** The supervisor's leaf, for CLONE_INTO_CGROUP; stays this object's. */
  public Fd supervisorLeaf() {
    return supervisor.fd();
  }

  /**
   * Makes a container's leaf with its limits. Nothing is left when it fails.
   *
   * @throws dev.molo.fault.FaultException INVALID_ARGUMENT for a value that makes no sense,
   *     FAILED_PRECONDITION for a limit whose controller is missing
   */
  public ContainerCgroup createContainer(ContainerId container, Resources resources) {
    List<Limits.Setting> settings = Limits.of(resources, pidsLimit);
    CgroupDirectory leaf = directory.makeChild(container.value());
    try {
      List<String> warnings = limits.write(leaf, settings);
      return new ContainerCgroup(container, leaf, limits, programs, warnings);
    } catch (RuntimeException e) {
      leaf.close();
      try {
        removeContainer(container);
      } catch (RuntimeException undo) {
        e.addSuppressed(undo);
      }
      throw e;
    }
  }

  /** A container's leaf that exists; empty when it does not. */
  public Optional<ContainerCgroup> openContainer(ContainerId container) {
    return directory
        .child(container.value())
        .map(leaf -> new ContainerCgroup(container, leaf, limits, programs, List.of()));
  }

  /** Names of all leaves but the supervisor's, for recovery. */
  public List<String> leaves() {
    List<String> names = new ArrayList<>();
    for (byte[] child : directory.children()) {
      String leaf = new String(child, StandardCharsets.UTF_8);
      if (!leaf.equals(SUPERVISOR)) {
        names.add(leaf);
      }
    }
    return names;
  }

  /** Kills what lives in a container's leaf and removes it with all below; idempotent. */
  public void removeContainer(ContainerId container) {
    CgroupTree.remove(directory, container.value().getBytes(StandardCharsets.UTF_8));
  }

  /** SIGKILL for every process of the pod, its supervisor included. */
  public void kill() {
    CgroupTree.kill(directory);
  }

  /** Whether a process of the pod lives, its supervisor included. */
  public boolean populated() {
    return directory.populated();
  }

  /** Whether the supervisor (or what else is in its leaf) lives. */
  public boolean supervisorPopulated() {
    return supervisor.populated();
  }

  /** The pod as a whole: the kernel adds up all below. */
  public Usage usage() {
    try (UsageReader reader = new UsageReader(directory)) {
      return reader.read();
    }
  }

  /** Kills what lives in the pod and removes everything; waits, bounded; idempotent. */
  public void remove() {
    CgroupTree.remove(parent, name.getBytes(StandardCharsets.UTF_8));
  }

  /** Closes the descriptors; the cgroup stays. */
  @Override
  public void close() {
    supervisor.close();
    directory.close();
    parent.close();
  }
}
