package dev.molo.network;

import dev.molo.linux.Errno;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.network.rtnl.Link;
import dev.molo.network.rtnl.Route;
import dev.molo.network.rtnl.RouteNetlink;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the host ready for an instance's pods, and undoes it: bridge, gateway addresses,
 * forwarding, masquerade. Doing it again changes nothing. The network thread's.
 */
final class HostSetup {
  private static final Logger log = LoggerFactory.getLogger(HostSetup.class);
  private static final int USUAL_MTU = 1500;
  private static final String IPV6_ALL = "net/ipv6/conf/all/";

  private final NetworkSettings settings;
  private final RouteNetlink host;
  private final Sysctls sysctls;
  private final Masquerade masquerade;
  private final List<String> warnings = new ArrayList<>();

  HostSetup(Linux linux, NetworkSettings settings, RouteNetlink host, Sysctls sysctls) {
    this.settings = settings;
    this.host = host;
    this.sysctls = sysctls;
    this.masquerade = new Masquerade(linux.nftables(), settings);
  }

  /**
   * @param live pods that run: their subnets are kept, whatever the configuration says now
   * @throws NotReady when this host cannot have it
   */
  HostNetwork prepare(Collection<PodNetwork> live) {
    warnings.clear();
    List<Link> links = host.links();
    Optional<Link> bridge = ownBridge(links);
    List<Route> routes = host.routes();
    List<Subnet> subnets = subnets(live, bridge, links, routes);
    int mtu = mtu(links, routes);
    bridge = bridge.filter(there -> keepsBridge(there, subnets, live, routes));
    int index = bridge.map(Link::index).orElseGet(() -> addBridge(subnets, mtu));
    addGateways(index, subnets);
    host.up(settings.bridge());
    forward(subnets);
    List<String> unmasked = settings.masquerade() ? masquerade.apply(subnets) : unmasqueraded();
    warnings.addAll(unmasked);
    warnings.forEach(warning -> log.warn("network: {}", warning));
    boolean masked = settings.masquerade() && unmasked.isEmpty();
    return new HostNetwork(index, mtu, subnets, masked, warnings);
  }

  /** Removes the bridge and the tables, and puts the sysctls back where nobody else needs them. */
  void remove() {
    masquerade.remove().forEach(failure -> log.warn("network: {}", failure));
    if (ownBridge(host.links()).isPresent()) {
      host.delete(settings.bridge());
    }
    boolean shared = host.links().stream().anyMatch(link -> link.kind().equals("bridge"));
    if (shared) {
      // Another runtime may have found forwarding on and rely on it.
      log.info("sysctls stay, another bridge lives here: {}", sysctls.described());
      sysctls.forget();
    } else {
      sysctls.restore();
    }
  }

  private List<String> unmasqueraded() {
    return masquerade.remove();
  }

  private Optional<Link> ownBridge(List<Link> links) {
    Optional<Link> found =
        links.stream().filter(link -> link.name().equals(settings.bridge())).findFirst();
    if (found.isEmpty()) {
      return found;
    }
    Link link = found.get();
    if (!link.kind().equals("bridge") || !link.alias().equals(settings.tag())) {
      throw new NotReady(
          "BridgeNameTaken",
          "link %s exists and is not this instance's (kind \"%s\", alias \"%s\"); set network.bridge"
              .formatted(link.name(), link.kind(), link.alias()));
    }
    return found;
  }

  private List<Subnet> subnets(
      Collection<PodNetwork> live, Optional<Link> bridge, List<Link> links, List<Route> routes) {
    List<Subnet> ofPods = live.stream().findFirst().map(HostSetup::subnetsOf).orElse(List.of());
    List<Subnet> ofBridge = bridge.map(link -> subnetsOf(link, routes)).orElse(List.of());
    List<Subnet> chosen = new ArrayList<>();
    int own = bridge.map(Link::index).orElse(0);
    for (List<Subnet> candidates : List.of(settings.ipv4(), ipv6Candidates())) {
      if (candidates.isEmpty()) {
        continue;
      }
      boolean ipv6 = candidates.getFirst().isIpv6();
      Optional<Subnet> podsOwn = ofPods.stream().filter(s -> s.isIpv6() == ipv6).findFirst();
      Optional<Subnet> present = ofBridge.stream().filter(candidates::contains).findFirst();
      chosen.add(podsOwn.or(() -> present).orElseGet(() -> free(candidates, own, links, routes)));
    }
    if (chosen.isEmpty()) {
      throw new NotReady("NoAddressFamily", "only IPv6 is configured, and this host has none");
    }
    return chosen;
  }

  private List<Subnet> ipv6Candidates() {
    if (settings.ipv6().isEmpty()) {
      return List.of();
    }
    boolean disabled =
        Stream.of("all", "default")
            .map(which -> sysctls.get("net/ipv6/conf/" + which + "/disable_ipv6"))
            .anyMatch(value -> !value.orElse("1").equals("0"));
    if (disabled) {
      warnings.add("pods have IPv4 alone: IPv6 is disabled on this host");
    }
    return disabled ? List.of() : settings.ipv6();
  }

  private static List<Subnet> subnetsOf(PodNetwork pod) {
    return pod.addresses().stream()
        .map(address -> Subnet.around(address.address(), address.prefix()))
        .toList();
  }

  private static List<Subnet> subnetsOf(Link link, List<Route> routes) {
    return routes.stream()
        .filter(route -> route.outIndex() == link.index() && route.prefix() > 0)
        .map(route -> Subnet.around(route.destination(), route.prefix()))
        .toList();
  }

  private static Subnet free(
      List<Subnet> candidates, int own, List<Link> links, List<Route> routes) {
    for (Subnet candidate : candidates) {
      if (obstacle(candidate, own, routes).isEmpty()) {
        return candidate;
      }
    }
    Subnet first = candidates.getFirst();
    Route obstacle = obstacle(first, own, routes).orElseThrow();
    throw new NotReady(
        "SubnetTaken",
        "pod subnet %s overlaps the host's route to %s/%d by %s%s; set network.subnets"
            .formatted(
                first,
                Addresses.text(obstacle.destination()),
                obstacle.prefix(),
                links.stream()
                    .filter(link -> link.index() == obstacle.outIndex())
                    .map(Link::name)
                    .findFirst()
                    .orElse("several links"),
                candidates.size() == 1
                    ? ""
                    : ", and all %d alternatives overlap others".formatted(candidates.size() - 1)));
  }

  private static Optional<Route> obstacle(Subnet candidate, int own, List<Route> routes) {
    return routes.stream()
        .filter(route -> route.prefix() > 0 && (own == 0 || route.outIndex() != own))
        .filter(route -> Subnet.around(route.destination(), route.prefix()).overlaps(candidate))
        .findFirst();
  }

  private int mtu(List<Link> links, List<Route> routes) {
    if (settings.mtu() != 0) {
      return settings.mtu();
    }
    return routes.stream()
        .filter(route -> route.prefix() == 0)
        .flatMap(route -> links.stream().filter(link -> link.index() == route.outIndex()))
        .mapToInt(Link::mtu)
        .filter(mtu -> mtu > 0)
        .min()
        .orElse(USUAL_MTU);
  }

  /** A bridge with other subnets goes, unless pods hang on it: they keep what they were given. */
  private boolean keepsBridge(
      Link bridge, List<Subnet> subnets, Collection<PodNetwork> live, List<Route> routes) {
    List<Subnet> foreign =
        subnetsOf(bridge, routes).stream()
            .filter(there -> isPool(there) && !subnets.contains(there))
            .toList();
    if (foreign.isEmpty() || !live.isEmpty()) {
      return true;
    }
    log.info("bridge {} has {}, {} is wanted: making it anew", bridge.name(), foreign, subnets);
    host.delete(bridge.name());
    return false;
  }

  /** Link-local and multicast routes come by themselves. */
  private static boolean isPool(Subnet subnet) {
    return !subnet.base().isLinkLocalAddress() && !subnet.base().isMulticastAddress();
  }

  private int addBridge(List<Subnet> subnets, int mtu) {
    byte[] mac = LinkNames.mac(subnets.getFirst().at(1).address());
    host.addBridge(settings.bridge(), settings.tag(), mac, mtu);
    log.info("made bridge {} for {}, MTU {}", settings.bridge(), subnets, mtu);
    return host.link(settings.bridge()).orElseThrow().index();
  }

  private void addGateways(int bridge, List<Subnet> subnets) {
    for (Subnet subnet : subnets) {
      InterfaceAddress gateway = subnet.at(1);
      if (subnet.isIpv6()) {
        // A pod must not reconfigure the host by router advertisements (as in CVE-2020-10749).
        String own = "net/ipv6/conf/" + settings.bridge();
        attempt(own + "/accept_ra", () -> sysctls.set(own + "/accept_ra", "0"));
        attempt(own + "/disable_ipv6", () -> sysctls.set(own + "/disable_ipv6", "0"));
      }
      try {
        host.addAddress(bridge, gateway.address(), gateway.prefix());
      } catch (LinuxException e) {
        if (e.errno() != Errno.EEXIST) {
          throw e;
        }
      }
    }
  }

  private void forward(List<Subnet> subnets) {
    for (Subnet subnet : subnets) {
      if (subnet.isIpv6()) {
        attempt("accept_ra", this::keepRouterAdvertisements);
        attempt(IPV6_ALL + "forwarding", () -> sysctls.change(IPV6_ALL + "forwarding", "1"));
      } else {
        attempt("net/ipv4/ip_forward", () -> sysctls.change("net/ipv4/ip_forward", "1"));
      }
    }
  }

  /**
   * A forwarding host ignores router advertisements where accept_ra is 1; a host that got its
   * default route from one would lose it.
   */
  private void keepRouterAdvertisements() {
    if (sysctls.get(IPV6_ALL + "forwarding").orElse("").equals("1")) {
      return;
    }
    for (String link : sysctls.ipv6Links()) {
      String name = "net/ipv6/conf/" + link + "/accept_ra";
      if (!link.equals("lo") && sysctls.get(name).orElse("").equals("1")) {
        sysctls.change(name, "2");
      }
    }
  }

  private void attempt(String name, Runnable change) {
    try {
      change.run();
    } catch (LinuxException e) {
      warnings.add(
          "sysctl %s could not be set, so pods may not reach beyond this host: %s"
              .formatted(name.replace('/', '.'), e.getMessage()));
    }
  }
}
