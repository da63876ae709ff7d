package dev.molo.network.rtnl;

import dev.molo.linux.Fd;

/**
 * A veth pair to be made: one end on this side as a bridge's port, the other in a pod.
 *
 * @param alias free text on the host's end, at most 255 bytes
 * @param bridge index of the bridge
 * @param podName what the other end is called, inside {@code podNamespace}, from its first moment
 * @param podMac six bytes
 */
public record VethPair(
    String hostName,
    String alias,
    int bridge,
    int mtu,
    Fd podNamespace,
    String podName,
    byte[] podMac) {
  public VethPair {
    podMac = podMac.clone();
  }

  @Override
  public byte[] podMac() {
    return podMac.clone();
  }
}
