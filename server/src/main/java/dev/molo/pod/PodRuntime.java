package dev.molo.pod;

import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.Resources;
import dev.molo.spec.SandboxId;
import dev.molo.spec.SandboxSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that can be asked of pods and containers: the domain side of CRI's RuntimeService, in
 * plain Java, for the gRPC edge and for HTTP.
 *
 * <p>Methods block (call them on a virtual thread) except the listings and statuses, which read
 * snapshots. All are safe to call from many threads at once. Failures are {@link
 * dev.molo.fault.FaultException} (what a caller can act on) or {@code
 * dev.molo.linux.LinuxException} (what the kernel refused). An {@code id} may be a unique prefix;
 * an empty or ambiguous one is INVALID_ARGUMENT. A lifecycle verb goes on when its caller's thread
 * is interrupted or gone, up to a deadline of its own.
 */
public interface PodRuntime {
  /**
   * Makes and starts a sandbox. A repetition of the same request (equal canonical bytes) joins the
   * one in flight or returns its id; another request under a name that is held is
   * FAILED_PRECONDITION.
   *
   * @param canonical the request's canonical bytes: compared on a retry and kept as the record on
   *     disk, from which the spec is decoded again at recovery
   */
  SandboxId runPodSandbox(SandboxSpec spec, byte[] canonical);

  /** Stops every container and gives the network back. Unknown ids succeed. Idempotent. */
  void stopPodSandbox(String id);

  /** Stops if need be, then removes the sandbox and its containers. Unknown ids succeed. */
  void removePodSandbox(String id);

  /** NOT_FOUND for an unknown id. */
  SandboxSnapshot podSandboxStatus(String id);

  /** Returns once work has gone through a lane, as every transition of a pod does. */
  void pulse();

  /** Looks at the kernel and the disk each time. */
  Unaccounted unaccounted();

  /** All sandboxes, in no particular order. Never waits. */
  List<SandboxSnapshot> podSandboxes();

  /**
   * Makes a container in a ready sandbox: its root file system exists afterwards, no process does.
   * Retries as {@link #runPodSandbox}.
   */
  ContainerId createContainer(String sandboxId, ContainerSpec spec, byte[] canonical);

  /** Starts a created container; returns when its program has been exec'd. */
  void startContainer(String id);

  /**
   * Sends the stop signal and waits; SIGKILL after the grace period. A second call with a shorter
   * grace shortens the first. Unknown ids succeed. Idempotent.
   *
   * @param graceSeconds 0 kills at once; negative counts as 0
   */
  void stopContainer(String id, long graceSeconds);

  /** Kills if need be and removes; its log stays. Unknown ids succeed. */
  void removeContainer(String id);

  /** NOT_FOUND for an unknown id. */
  ContainerSnapshot containerStatus(String id);

  /** All containers, in no particular order. Never waits. */
  List<ContainerSnapshot> containers();

  /**
   * Runs a program in a running container and collects what it says.
   *
   * @param timeoutSeconds 0 or less: none
   * @param call tells when the caller has gone; the program is ended then
   * @return to be closed by the caller once the bytes have been sent
   */
  ExecOutcome execSync(String id, List<String> command, long timeoutSeconds, CallerPresence call);

  /**
   * Changes the limits of a created or running container; fields that are not given stay. All or
   * nothing: when one cannot be applied, those before it are put back.
   */
  void updateContainerResources(String id, Resources resources);

  /** Makes the supervisor open the log file anew; FAILED_PRECONDITION unless running. */
  void reopenContainerLog(String id);

  /** What the kernel counts for a container; empty when it has no cgroup (it does not run). */
  ContainerUsage containerUsage(String id);

  /** The same for many at once, those that are gone left out. */
  List<ContainerUsage> containerUsages(List<ContainerId> ids);

  /** Readiness, conditions, and what is slow right now. */
  RuntimeCondition condition();

  /**
   * Further facts for people: JSON documents by name (config, kernel, cgroup, network). May take a
   * moment.
   */
  Map<String, String> facts();

  /** The sandbox, by whole id; empty when unknown. */
  Optional<SandboxSnapshot> findSandbox(SandboxId id);
}
