package dev.molo.pod;

import dev.molo.spec.SandboxId;
import dev.molo.spec.SandboxSpec;
import java.util.List;
import java.util.Map;

/**
 * A sandbox as it stood at one moment.
 *
 * @param createdAt nanoseconds since the epoch
 * @param addresses the pod's own, the primary first; empty with the host's network or once stopped
 * @param supervisorPid 0 once there is none
 * @param notReadyReason why it is not ready, for a person; empty while ready
 * @param facts further facts for verbose status (cgroup path, network namespace inode, …)
 */
public record SandboxSnapshot(
    SandboxId id,
    SandboxSpec spec,
    boolean ready,
    long createdAt,
    List<String> addresses,
    int supervisorPid,
    String notReadyReason,
    Map<String, String> facts) {
  public SandboxSnapshot {
    addresses = List.copyOf(addresses);
    facts = Map.copyOf(facts);
  }
}
