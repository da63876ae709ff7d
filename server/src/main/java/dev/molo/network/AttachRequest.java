package dev.molo.network;

import dev.molo.linux.Fd;
import dev.molo.spec.PortMapping;
import dev.molo.spec.SandboxId;
import java.util.List;
import java.util.Objects;

/**
 * What {@link PodNetworks#attach} needs to know of a pod.
 *
 * @param sandbox whose network it is
 * @param namespace the pod's network namespace (a descriptor of its nsfs file)
 * @param netlink a NETLINK_ROUTE socket that was made inside that namespace, so that this process
 *     can configure it without entering; nobody else reads from it meanwhile
 * @param hostname recorded in the host link's alias, for people
 * @param ports only mappings with host port 0, which map nothing, are accepted at present
 */
public record AttachRequest(
    SandboxId sandbox, Fd namespace, Fd netlink, String hostname, List<PortMapping> ports) {
  public AttachRequest {
    Objects.requireNonNull(sandbox);
    Objects.requireNonNull(namespace);
    Objects.requireNonNull(netlink);
    Objects.requireNonNull(hostname);
    ports = List.copyOf(ports);
  }
}
