package dev.molo.network;

import java.util.List;

/**
 * The host's side as it was made ready.
 *
 * @param bridge the bridge's index
 * @param subnets one for each family that pods get, IPv4 first
 * @param masquerade whether all of them are masqueraded
 */
record HostNetwork(
    int bridge, int mtu, List<Subnet> subnets, boolean masquerade, List<String> warnings) {
  HostNetwork {
    subnets = List.copyOf(subnets);
    warnings = List.copyOf(warnings);
  }
}
