package dev.molo.network;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.Errno;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.network.rtnl.Link;
import dev.molo.network.rtnl.LinkEvents;
import dev.molo.network.rtnl.RouteNetlink;
import dev.molo.network.rtnl.VethPair;
import dev.molo.spec.PortMapping;
import dev.molo.spec.SandboxId;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@link PodNetworks} with a bridge of the instance's own.
 *
 * <pre>
 *   attach            quiesce                    the kernel reaps the link     quarantine over
 *   free ----> attached ----> silent (down, off the bridge) ----> resting ----> free
 * </pre>
 *
 * <p>All fields but the published status belong to the network thread.
 */
public final class BridgeNetworks implements PodNetworks {
  private static final Logger log = LoggerFactory.getLogger(BridgeNetworks.class);

  /** A namespace that lives longer after its pod is held by somebody: its link goes anyway. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** How long an orderly end may take to delete links, about 30 ms each; recovery does the rest. */
  private static final Duration LAST_DELETIONS = Duration.ofSeconds(1);

  private static final int MOST_NAMED = 5;
  private static final int NO_OFFSET = -1;

  /** A pod on the bridge; {@code offset} is its place in the pool, or {@link #NO_OFFSET}. */
  private record Attached(String link, int index, int offset) {}

  /**
   * A link that is off the bridge and not gone yet; to be deleted by us from {@code deadline} on.
   */
  private record Silent(String link, int offset, long deadline) {}

  private final Linux linux;
  private final NetworkSettings settings;
  private final LongSupplier nanoClock;
  private final NetworkThread thread = new NetworkThread();

  private final Map<SandboxId, Attached> attached = new HashMap<>();
  private final Map<Integer, Silent> silent = new HashMap<>();
  private Optional<RouteNetlink> netlink = Optional.empty();
  private Optional<LinkReaper> reaper = Optional.empty();
  private Optional<Sysctls> sysctls = Optional.empty();
  private Optional<HostNetwork> host = Optional.empty();
  private Optional<AddressPool> pool = Optional.empty();
  private String reason = "NotRecovered";
  private String message = "the pod network was not set up yet";
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile NetworkStatus status;

  /** Touches nothing yet; {@link #recover} does. */
  public BridgeNetworks(Linux linux, NetworkSettings settings) {
    this(linux, settings, System::nanoTime);
  }

  BridgeNetworks(Linux linux, NetworkSettings settings, LongSupplier nanoClock) {
    this.linux = linux;
    this.settings = settings;
    this.nanoClock = nanoClock;
    publish();
  }

  @Override
  public NetworkStatus status() {
    return status;
  }

  // ---- recover

  @Override
  public List<SandboxId> recover(Collection<PodNetwork> live) {
    List<PodNetwork> pods = List.copyOf(live);
    return thread.call("recover the pod network", () -> publishing(() -> recoverHere(pods)));
  }

  private List<SandboxId> recoverHere(List<PodNetwork> live) {
    host = Optional.empty();
    pool = Optional.empty();
    attached.clear();
    try {
      HostNetwork made = setup().prepare(live);
      AddressPool fresh = new AddressPool(made.subnets(), settings.quarantine().toNanos());
      List<SandboxId> lost = adopt(live, made, fresh);
      host = Optional.of(made);
      pool = Optional.of(fresh);
      expectReaping();
      return lost;
    } catch (NotReady e) {
      notReady(e.reason(), e.getMessage());
    } catch (LinuxException e) {
      notReady("NetworkSetupFailed", "set up the pod network: " + e.getMessage());
    }
    return List.of();
  }

  private void notReady(String word, String why) {
    log.error("the pod network is not ready: {}", why);
    reason = word;
    message = why;
  }

  private HostSetup setup() {
    if (sysctls.isEmpty()) {
      sysctls = Optional.of(new Sysctls(linux, settings.stateDir()));
    }
    HostSetup setup = new HostSetup(linux, settings, netlink(), sysctls.get());
    if (reaper.isEmpty()) {
      reaper = Optional.of(new LinkReaper(linux, this::heard));
    }
    return setup;
  }

  private RouteNetlink netlink() {
    if (netlink.isEmpty()) {
      netlink = Optional.of(RouteNetlink.open(linux));
    }
    return netlink.get();
  }

  private List<SandboxId> adopt(List<PodNetwork> live, HostNetwork made, AddressPool fresh) {
    List<Link> links = netlink().links();
    Map<String, Link> byName = links.stream().collect(Collectors.toMap(Link::name, link -> link));
    List<SandboxId> lost = new ArrayList<>();
    Set<String> wanted = new HashSet<>();
    for (PodNetwork pod : live) {
      wanted.add(pod.hostLink());
      Optional<Link> link = Optional.ofNullable(byName.get(pod.hostLink()));
      int index = link.map(Link::index).orElse(pod.hostIndex());
      attached.put(pod.sandbox(), new Attached(pod.hostLink(), index, reserve(pod, fresh, made)));
      if (link.isEmpty()) {
        log.warn("sandbox {}: its link {} is gone", pod.sandbox().brief(), pod.hostLink());
        lost.add(pod.sandbox());
      } else if (!link.get().up() || link.get().master() != made.bridge()) {
        log.warn("sandbox {}: link {} put back on the bridge", pod.sandbox().brief(), index);
        netlink().join(pod.hostLink(), made.bridge());
      }
    }
    keepSilent(fresh);
    links.stream()
        .filter(link -> isOurs(link) && !wanted.contains(link.name()))
        .forEach(this::discard);
    return lost;
  }

  private int reserve(PodNetwork pod, AddressPool fresh, HostNetwork made) {
    for (InterfaceAddress address : pod.addresses()) {
      for (Subnet subnet : made.subnets()) {
        int offset = subnet.offsetOf(address.address());
        if (offset >= 0 && fresh.reserve(offset)) {
          return offset;
        }
      }
    }
    log.warn(
        "sandbox {}: its addresses {} are not in the pool {}",
        pod.sandbox().brief(),
        pod.addresses(),
        made.subnets());
    return NO_OFFSET;
  }

  /** After a repeated recovery the links that were dying still hold their addresses. */
  private void keepSilent(AddressPool fresh) {
    silent.replaceAll((index, link) ->
        link.offset() == NO_OFFSET || fresh.reserve(link.offset())
            ? link
            : new Silent(link.link(), NO_OFFSET, link.deadline()));
  }

  private boolean isOurs(Link link) {
    boolean tagged = link.alias().startsWith(settings.tag() + ":");
    // Made by a daemon that ended before it could tag it.
    boolean unfinished =
        link.alias().isEmpty()
            && link.name().startsWith(settings.linkPrefix())
            && link.master() == 0
            && !link.up();
    return link.kind().equals("veth") && (tagged || unfinished);
  }

  /** What nobody wants goes, though not here: a deletion takes 30 ms. */
  private void discard(Link link) {
    if (silent.containsKey(link.index())) {
      return;
    }
    log.info("link {} belongs to no live pod: it goes", link.name());
    if (netlink().isolate(link.name())) {
      silent.put(link.index(), new Silent(link.name(), NO_OFFSET, nanoClock.getAsLong()));
    }
  }

  // ---- attach

  @Override
  public PodNetwork attach(AttachRequest request) {
    for (PortMapping port : request.ports()) {
      if (port.hostPort() != 0) {
        throw FaultException.unimplemented(
            "port_mappings: host port %d of sandbox %s: host ports are not built yet",
            port.hostPort(), request.sandbox().brief());
      }
    }
    return thread.call(
        "attach sandbox " + request.sandbox().brief(), () -> publishing(() -> attachHere(request)));
  }

  private PodNetwork attachHere(AttachRequest request) {
    HostNetwork ready = host.orElseThrow(this::unavailable);
    AddressPool addresses = pool.orElseThrow(this::unavailable);
    if (attached.containsKey(request.sandbox())) {
      throw FaultException.precondition(
          "attach sandbox %s: it has a network already", request.sandbox().brief());
    }
    int offset = addresses.take(nanoClock.getAsLong());
    try {
      PodNetwork made = connect(request, ready, offset);
      attached.put(request.sandbox(), new Attached(made.hostLink(), made.hostIndex(), offset));
      return made;
    } catch (RuntimeException e) {
      addresses.unused(offset, nanoClock.getAsLong());
      throw e;
    }
  }

  private FaultException unavailable() {
    return new FaultException(Fault.UNAVAILABLE, "the pod network is not ready: " + message);
  }

  private PodNetwork connect(AttachRequest request, HostNetwork ready, int offset) {
    String name = LinkNames.hostLink(settings, request.sandbox());
    String mac = LinkNames.text(LinkNames.mac(ready.subnets().getFirst().at(offset).address()));
    VethPair pair =
        new VethPair(
            name,
            LinkNames.alias(settings, request.sandbox(), request.hostname()),
            ready.bridge(),
            ready.mtu(),
            request.namespace(),
            LinkNames.POD_LINK,
            mac);
    Link hostEnd = addVeth(request.sandbox(), pair);
    try {
      List<InterfaceAddress> given = configure(request, ready.subnets(), offset);
      settle(name);
      List<InetAddress> gateways =
          ready.subnets().stream()
              .filter(subnet -> given.stream().anyMatch(a -> a.isIpv6() == subnet.isIpv6()))
              .map(subnet -> subnet.at(1).address())
              .toList();
      return new PodNetwork(
          request.sandbox(),
          name,
          hostEnd.index(),
          LinkNames.POD_LINK,
          mac,
          ready.mtu(),
          given,
          gateways);
    } catch (RuntimeException e) {
      undo(name, e);
      throw e;
    }
  }

  /**
   * The host's end went up before the pod's, so the bridge learns of its carrier from a work queue,
   * and a first ARP request lost meanwhile costs the pod a second. Asking for the link makes the
   * kernel do that work first (linkwatch_sync_dev, from 6.8 on; before, it follows within
   * milliseconds).
   */
  private void settle(String hostLink) {
    netlink().link(hostLink);
  }

  private Link addVeth(SandboxId sandbox, VethPair pair) {
    try {
      return netlink().addVeth(pair);
    } catch (LinuxException e) {
      if (e.errno() == Errno.EXFULL) {
        throw new FaultException(
            Fault.RESOURCE_EXHAUSTED,
            "attach sandbox %s: bridge %s has no free port"
                .formatted(sandbox.brief(), settings.bridge()),
            e);
      }
      if (e.errno() != Errno.EEXIST || !removeStale(sandbox, pair.hostName())) {
        throw e;
      }
      return netlink().addVeth(pair);
    }
  }

  /** Whether the name was taken by an earlier, unfinished attempt for the same sandbox. */
  private boolean removeStale(SandboxId sandbox, String name) {
    Optional<Link> there = netlink().link(name);
    boolean stale =
        there
            .filter(link -> link.alias().startsWith(LinkNames.sandboxAlias(settings, sandbox)))
            .isPresent();
    return stale && netlink().delete(name);
  }

  private List<InterfaceAddress> configure(
      AttachRequest request, List<Subnet> subnets, int offset) {
    List<InterfaceAddress> given = new ArrayList<>();
    try (RouteNetlink pod = netlink().borrowing(request.netlink())) {
      Link inside =
          pod.link(LinkNames.POD_LINK)
              .orElseThrow(() ->
                  new FaultException(
                      Fault.INTERNAL,
                      "attach sandbox %s: %s is not where its netlink socket looks"
                          .formatted(request.sandbox().brief(), LinkNames.POD_LINK)));
      pod.up(inside.index(), subnets.stream().noneMatch(Subnet::isIpv6));
      for (Subnet subnet : subnets) {
        InterfaceAddress address = subnet.at(offset);
        if (assign(pod, inside, address, subnet.at(1), !given.isEmpty())) {
          given.add(address);
        } else {
          log.info(
              "sandbox {}: no {} in its namespace, it has IPv4 alone",
              request.sandbox().brief(),
              address);
        }
      }
    }
    return given;
  }

  /** Returns false when the pod's namespace has IPv6 switched off, if it may do without. */
  private static boolean assign(
      RouteNetlink pod,
      Link link,
      InterfaceAddress address,
      InterfaceAddress gateway,
      boolean dispensable) {
    List<RouteNetlink.Assignment> assignments = new ArrayList<>();
    if (address.isIpv6()) {
      InterfaceAddress linkLocal = LinkNames.linkLocal(link.mac());
      assignments.add(
          new RouteNetlink.Assignment(linkLocal.address(), linkLocal.prefix(), Optional.empty()));
    }
    assignments.add(
        new RouteNetlink.Assignment(
            address.address(), address.prefix(), Optional.of(gateway.address())));
    try {
      pod.addAddresses(link.index(), assignments);
      return true;
    } catch (LinuxException e) {
      boolean off =
          switch (e.errno()) {
            case EACCES, EAFNOSUPPORT, EOPNOTSUPP -> true;
            default -> false;
          };
      if (off && dispensable && address.isIpv6()) {
        return false;
      }
      throw e;
    }
  }

  private void undo(String link, RuntimeException cause) {
    try {
      netlink().delete(link);
    } catch (LinuxException e) {
      cause.addSuppressed(e);
    }
  }

  // ---- quiesce and what follows

  @Override
  public void quiesce(PodNetwork network) {
    thread.call(
        "quiesce sandbox " + network.sandbox().brief(),
        () ->
            publishing(() -> {
              quiesceHere(network);
              return network;
            }));
  }

  private void quiesceHere(PodNetwork network) {
    Attached known = attached.get(network.sandbox());
    if (known == null) {
      quiesceUnknown(network);
      return;
    }
    boolean present = netlink().isolate(known.link());
    attached.remove(network.sandbox());
    if (present) {
      long deadline = nanoClock.getAsLong() + PATIENCE.toNanos();
      silent.put(known.index(), new Silent(known.link(), known.offset(), deadline));
      expectReaping();
    } else {
      rest(known.offset());
    }
  }

  /** A second call, or a pod that an earlier daemon left stopped half-way. */
  private void quiesceUnknown(PodNetwork network) {
    String name = network.hostLink();
    boolean dying = silent.values().stream().anyMatch(link -> link.link().equals(name));
    if (dying) {
      return;
    }
    // By its name and tag: after a reboot the recorded index may be any link's.
    Optional<Link> link = netlink().link(name).filter(this::isOurs);
    if (link.isPresent() && netlink().isolate(name)) {
      long deadline = nanoClock.getAsLong() + PATIENCE.toNanos();
      silent.put(link.get().index(), new Silent(name, NO_OFFSET, deadline));
      expectReaping();
    }
  }

  /** The reaper's thread. */
  private void heard(LinkEvents.Deletions deletions) {
    thread.call(
        "reap links",
        () ->
            publishing(() -> {
              deletions.deleted().forEach(this::gone);
              lookAfterSilent(deletions.lost());
              expectReaping();
              return deletions;
            }));
  }

  private void gone(int index) {
    Silent link = silent.remove(index);
    if (link != null) {
      rest(link.offset());
    }
  }

  private void lookAfterSilent(boolean all) {
    long now = nanoClock.getAsLong();
    for (Map.Entry<Integer, Silent> entry : List.copyOf(silent.entrySet())) {
      Silent link = entry.getValue();
      boolean overdue = now - link.deadline() >= 0;
      if (overdue && link.offset() != NO_OFFSET) {
        log.warn("link {}: its namespace is still held by somebody, it goes now", link.link());
      }
      if (overdue) {
        netlink().delete(link.link());
        gone(entry.getKey());
      } else if (all && netlink().link(link.link()).isEmpty()) {
        gone(entry.getKey());
      }
    }
  }

  private void rest(int offset) {
    if (offset != NO_OFFSET) {
      pool.ifPresent(addresses -> addresses.release(offset, nanoClock.getAsLong()));
    }
  }

  private void expectReaping() {
    reaper.ifPresent(watcher -> watcher.expect(!silent.isEmpty()));
  }

  // ---- the end

  @Override
  public void removeAll() {
    thread.call(
        "remove the pod network",
        () ->
            publishing(() -> {
              removeHere();
              return settings;
            }));
  }

  private void removeHere() {
    Set<String> dying = silent.values().stream().map(Silent::link).collect(Collectors.toSet());
    List<Link> ours = netlink().links().stream().filter(this::isOurs).toList();
    List<String> inUse =
        ours.stream()
            .filter(link -> link.master() != 0 && !dying.contains(link.name()))
            .map(Link::alias)
            .toList();
    if (!inUse.isEmpty()) {
      throw FaultException.precondition(
          "remove bridge %s: %d pods are attached, among them %s",
          settings.bridge(), inUse.size(), inUse.subList(0, Math.min(MOST_NAMED, inUse.size())));
    }
    ours.forEach(link -> netlink().delete(link.name()));
    silent.clear();
    attached.clear();
    setup().remove();
    host = Optional.empty();
    pool = Optional.empty();
    reason = "Removed";
    message = "the pod network of this instance was removed";
    log.info("removed bridge {} and its rules", settings.bridge());
  }

  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    reaper.ifPresent(LinkReaper::close);
    thread.close(this::deleteSilent);
    netlink.ifPresent(RouteNetlink::close);
  }

  /** Nobody would delete them while no daemon runs, and a namespace may be held for long. */
  private void deleteSilent() {
    long end = System.nanoTime() + LAST_DELETIONS.toNanos();
    List<Silent> left = List.copyOf(silent.values());
    int deleted = 0;
    while (deleted < left.size() && System.nanoTime() - end < 0) {
      String link = left.get(deleted).link();
      try {
        netlink().delete(link);
      } catch (LinuxException e) {
        log.warn("link {} of a stopped pod stays until the next start: {}", link, e.getMessage());
      }
      deleted++;
    }
    if (deleted < left.size()) {
      log.info("{} links of stopped pods stay until the next start", left.size() - deleted);
    }
  }

  private <T> T publishing(java.util.function.Supplier<T> work) {
    try {
      return work.get();
    } finally {
      publish();
    }
  }

  private void publish() {
    boolean ready = host.isPresent();
    status =
        new NetworkStatus(
            ready,
            ready ? "" : reason,
            ready ? "" : message,
            settings.bridge(),
            host.map(HostNetwork::subnets).orElse(List.of()),
            host.map(HostNetwork::masquerade).orElse(false),
            attached.size(),
            silent.size() + pool.map(AddressPool::restingCount).orElse(0),
            pool.map(AddressPool::capacity).orElse(0),
            host.map(HostNetwork::warnings).orElse(List.of()),
            sysctls.map(Sysctls::described).orElse(List.of()));
  }
}
