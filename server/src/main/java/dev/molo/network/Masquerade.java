package dev.molo.network;

import dev.molo.linux.LinuxException;
import dev.molo.linux.Nftables;
import java.util.ArrayList;
import java.util.List;

/**
 * One nftables table for each family of an instance: what leaves a pod for beyond the host gets the
 * host's address. Written whole in one transaction each time, so it is never half there and a
 * second daemon start changes nothing.
 */
final class Masquerade {
  private final Nftables nftables;
  private final NetworkSettings settings;

  Masquerade(Nftables nftables, NetworkSettings settings) {
    this.nftables = nftables;
    this.settings = settings;
  }

  /**
   * Writes the rules for the subnets, and nothing for a family without one.
   *
   * @return for each family that cannot have them, a sentence that says why
   */
  List<String> apply(List<Subnet> subnets) {
    List<String> failures = new ArrayList<>();
    // One transaction a family: kernels exist that have NAT for one of them alone.
    for (Subnet subnet : subnets) {
      try {
        nftables.run(removal(family(subnet)) + table(subnet));
      } catch (LinuxException e) {
        failures.add(
            "pods have no masquerade for %s, so they cannot reach beyond this host: %s"
                .formatted(subnet, firstLine(e)));
      }
    }
    return failures;
  }

  /** Removes the tables; those of a family that has none are no error. */
  List<String> remove() {
    List<String> failures = new ArrayList<>();
    for (String family : List.of("ip", "ip6")) {
      try {
        nftables.run(removal(family));
      } catch (LinuxException e) {
        failures.add(
            "remove nftables table %s %s: %s".formatted(family, settings.table(), firstLine(e)));
      }
    }
    return failures;
  }

  /** The rules of one family, as nft(8) reads them. */
  String table(Subnet subnet) {
    String family = family(subnet);
    return """
    table %1$s %2$s {
      chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        %1$s saddr %3$s oifname != "%4$s" %1$s daddr != %5$s masquerade fully-random
      }
    }
    """
        .formatted(
            family,
            settings.table(),
            subnet,
            settings.bridge(),
            subnet.isIpv6() ? "ff00::/8" : "224.0.0.0/4");
  }

  /** Adding first makes the deletion succeed whether it is there or not. */
  private String removal(String family) {
    return "add table %1$s %2$s\ndelete table %1$s %2$s\n".formatted(family, settings.table());
  }

  private static String family(Subnet subnet) {
    return subnet.isIpv6() ? "ip6" : "ip";
  }

  private static String firstLine(LinuxException e) {
    return e.getMessage().lines().findFirst().orElse("");
  }
}
