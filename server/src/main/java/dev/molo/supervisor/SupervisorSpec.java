package dev.molo.supervisor;

import dev.molo.linux.Fd;
import dev.molo.spec.SandboxId;
import java.util.Objects;

/**
 * What a supervisor is born with.
 *
 * @param pod whose it is
 * @param namespaces {@code CloneFlags.CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS} as the pod asks;
 *     those that are left out are the host's
 * @param cgroup directory of the cgroup v2 leaf to be born into; borrowed for the call
 */
public record SupervisorSpec(SandboxId pod, long namespaces, Fd cgroup) {
  public SupervisorSpec {
    Objects.requireNonNull(pod, "pod");
    Objects.requireNonNull(cgroup, "cgroup");
  }
}
