package dev.molo.pod;

import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.Resources;
import dev.molo.spec.SandboxId;
import java.util.List;
import java.util.Map;

/**
 * A container as it stood at one moment.
 *
 * @param createdAt nanoseconds since the epoch
 * @param imageId the image's id (its configuration's digest)
 * @param imageRef repository@digest, or the id where there is none
 * @param logPath absolute; empty when there is no log
 * @param stopSignal as SIGTERM
 * @param resources the limits in force, after updates
 * @param facts further facts for verbose status (pid, cgroup, warnings about limits not applied, …)
 */
public record ContainerSnapshot(
    ContainerId id,
    SandboxId sandboxId,
    ContainerSpec spec,
    ContainerState state,
    long createdAt,
    String imageId,
    String imageRef,
    String logPath,
    String stopSignal,
    User user,
    Resources resources,
    Map<String, String> facts) {
  public ContainerSnapshot {
    facts = Map.copyOf(facts);
  }

  /** The ids that its init runs with; unsigned 32 bits each. */
  public record User(long uid, long gid, List<Long> groups) {
    public User {
      groups = List.copyOf(groups);
    }
  }
}
