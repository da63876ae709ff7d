package dev.molo.config;

import java.util.List;

/** The built-in network of pods that do not use the host's. */
public record NetworkConfig(
    @Key(value = "The bridge's name, at most 15 bytes.", derived = "`molo0`, `molo-NAME`")
        String bridge,
    @Key(
            value =
                "The address pools, at most one of each family; the first address of each is the"
                    + " gateway's.",
            derived =
                "`10.88.0.0/16` and `fd6d:6f6c:6f00::/64`; a /20 and a /64 by the name's hash for"
                    + " other instances")
        List<String> subnets,
    @Key(
            value = "The links' MTU; 0 takes that of the link with the default route.",
            unit = "bytes",
            max = 65535)
        int mtu,
    @Key("Whether traffic from pods to the outside leaves with the host's address.")
        boolean masquerade) {
  public NetworkConfig {
    subnets = List.copyOf(subnets);
  }
}
