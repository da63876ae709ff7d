package dev.molo.network.rtnl;

import dev.molo.linux.Fd;

/**
 * A veth pair to be made: one end on this side as a bridge's port, the other in a pod.
 *
 * @param alias free text on the host's end, at most 255 bytes
 * @param bridge index of the bridge
 * @param podName what the other end is called, inside {@code podNamespace}, from its first moment
 * @param podMac as {@code 02:6d:0a:58:00:02}
 */
public record VethPair(
    String hostName,
    String alias,
    int bridge,
    int mtu,
    Fd podNamespace,
    String podName,
    String podMac) {}
