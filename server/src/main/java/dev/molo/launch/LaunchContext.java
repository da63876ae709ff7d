package dev.molo.launch;

import dev.molo.linux.Fd;
import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.ImageDefaults;
import dev.molo.spec.SandboxId;
import dev.molo.spec.SandboxSpec;
import java.util.Map;
import java.util.Optional;

/**
 * All that is needed to turn a container's request into a launch plan. The descriptors stay the
 * caller's.
 *
 * @param hostname what the pod's uts namespace says: becomes HOSTNAME
 * @param user from {@link Launches#resolveUser}
 * @param root the detached mount that becomes the container's root
 * @param imageVolumes for each request mount with an image, by its index in {@link
 *     ContainerSpec#mounts}: that image's detached, read-only mount (its sub path already applied)
 * @param shm a detached mount of the pod's shared memory for this container alone; absent when the
 *     pod uses the host's ipc namespace (launch then binds the host's {@code /dev/shm})
 * @param cgroup the container's leaf, into which it is born
 * @param log the open log file; absent: what the container writes is read and discarded
 * @param pidTarget with pid mode TARGET: the container whose pid namespace is joined
 */
public record LaunchContext(
    SandboxId sandboxId,
    ContainerId containerId,
    SandboxSpec sandbox,
    ContainerSpec container,
    ImageDefaults image,
    String hostname,
    ProcessUser user,
    DescriptorRef root,
    PodFiles files,
    Map<Integer, DescriptorRef> imageVolumes,
    Optional<DescriptorRef> shm,
    Fd cgroup,
    Optional<Fd> log,
    Optional<ContainerId> pidTarget) {
  /** Copies the map. */
  public LaunchContext {
    imageVolumes = Map.copyOf(imageVolumes);
  }
}
