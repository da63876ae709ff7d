package dev.molo.network;

import java.util.List;
import java.util.Objects;

/**
 * How the network of this instance stands.
 *
 * @param ready pods can be attached
 * @param reason one CamelCase word while not ready (CRI RuntimeCondition.reason), else empty
 * @param message one sentence for a person while not ready, else empty
 * @param bridge the bridge's name
 * @param subnets the pool's subnets, IPv4 first; empty until {@link PodNetworks#recover} chose them
 * @param masquerade pods reach what lies beyond the host; false where this kernel has no NAT or
 *     libnftables is missing, then {@code warnings} says which
 * @param attached pods with a network now
 * @param quarantined addresses waiting for their link to go or their quarantine to end
 * @param capacity addresses in the pool
 * @param warnings whole sentences: what does not work though pods can be attached
 * @param changedSysctls what this instance changed on the host, as {@code net.ipv4.ip_forward: 0 ->
 *     1}
 */
public record NetworkStatus(
    boolean ready,
    String reason,
    String message,
    String bridge,
    List<Subnet> subnets,
    boolean masquerade,
    int attached,
    int quarantined,
    int capacity,
    List<String> warnings,
    List<String> changedSysctls) {
  public NetworkStatus {
    Objects.requireNonNull(reason);
    Objects.requireNonNull(message);
    Objects.requireNonNull(bridge);
    subnets = List.copyOf(subnets);
    warnings = List.copyOf(warnings);
    changedSysctls = List.copyOf(changedSysctls);
  }
}
