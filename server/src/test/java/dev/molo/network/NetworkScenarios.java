package dev.molo.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.Program;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.Errno;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.RecordingLinux;
import dev.molo.linux.jnr.JnrLinux;
import dev.molo.spec.PortMapping;
import dev.molo.spec.SandboxId;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * What {@link NetworkIT} runs, each scenario in a process of its own that lives in a network
 * namespace of its own: the host of the scenario. So nothing can be left on the real host.
 */
final class NetworkScenarios implements AutoCloseable {
  private static final Subnet V4 = Subnet.parse("10.88.0.0/16");
  private static final Subnet V6 = Subnet.parse("fd6d:6f6c:6f00::/64");
  private static final long PATIENCE_MILLIS = 60_000;

  private final Linux linux = JnrLinux.fromProperties();
  private final NetnsHolder holder = new NetnsHolder(linux);
  private final Path stateDir;
  private final List<AutoCloseable> open = new ArrayList<>();

  private NetworkScenarios(Path stateDir) {
    this.stateDir = stateDir;
  }

  /** The scenarios by name; the process's one argument is among them. */
  enum Scenario {
    PODS_REACH_EACH_OTHER_AND_THE_HOST(NetworkScenarios::podsReachEachOtherAndTheHost),
    QUIESCED_POD_ANSWERS_NO_MORE(NetworkScenarios::quiescedPodAnswersNoMore),
    ADDRESS_RESTS_UNTIL_THE_KERNEL_REAPED_THE_LINK(
        NetworkScenarios::addressRestsUntilTheKernelReapedTheLink),
    HELD_NAMESPACE_LOSES_ITS_LINK(NetworkScenarios::heldNamespaceLosesItsLink),
    ORDERLY_END_LEAVES_NO_LINK_OF_A_STOPPED_POD(
        NetworkScenarios::orderlyEndLeavesNoLinkOfAStoppedPod),
    OUTSIDE_SEES_THE_HOST_S_ADDRESS(NetworkScenarios::outsideSeesTheHostsAddress),
    PODS_KEEP_THEIR_NETWORK_OVER_A_RESTART(NetworkScenarios::podsKeepTheirNetworkOverARestart),
    EXHAUSTED_POOL_IS_NAMED(NetworkScenarios::exhaustedPoolIsNamed),
    TAKEN_SUBNET_IS_REFUSED_OR_REPLACED(NetworkScenarios::takenSubnetIsRefusedOrReplaced),
    FOREIGN_BRIDGE_IS_LEFT_ALONE(NetworkScenarios::foreignBridgeIsLeftAlone),
    NO_IPV6_MEANS_IPV4_ALONE(NetworkScenarios::noIpv6MeansIpv4Alone),
    POD_WITHOUT_IPV6_HAS_IPV4_ALONE(NetworkScenarios::podWithoutIpv6HasIpv4Alone),
    REMOVE_ALL_LEAVES_NOTHING(NetworkScenarios::removeAllLeavesNothing),
    INSTANCES_LIVE_SIDE_BY_SIDE(NetworkScenarios::instancesLiveSideBySide),
    REFUSALS_ARE_CLEAR(NetworkScenarios::refusalsAreClear),
    FAILED_ATTACH_LEAVES_NOTHING(NetworkScenarios::failedAttachLeavesNothing),
    ATTACH_COSTS_THE_SAME_WITH_MANY_PODS(NetworkScenarios::attachCostsTheSameWithManyPods);

    private final Run run;

    Scenario(Run run) {
      this.run = run;
    }
  }

  @com.google.errorprone.annotations.Immutable
  @FunctionalInterface
  private interface Run {
    void in(NetworkScenarios scenarios);
  }

  /** Runs {@code args[0]}; the exit code is 0 when it holds. */
  public static void main(String[] args) throws IOException {
    Path stateDir = Files.createTempDirectory("molo-network");
    try (NetworkScenarios scenarios = new NetworkScenarios(stateDir)) {
      Scenario.valueOf(args[0]).run.in(scenarios);
    } finally {
      try (Stream<Path> files = Files.walk(stateDir)) {
        for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  // ---- scenarios

  private void podsReachEachOtherAndTheHost() {
    BridgeNetworks networks = ready(settings("molo", List.of(V4), List.of(V6)));
    NetnsHolder.Pod one = holder.pod();
    NetnsHolder.Pod two = holder.pod();
    PodNetwork first = networks.attach(one.request());
    PodNetwork second = networks.attach(two.request());

    assertThat(first.ips()).containsExactly("10.88.0.2", "fd6d:6f6c:6f00::2");
    assertThat(second.ips()).containsExactly("10.88.0.3", "fd6d:6f6c:6f00::3");
    assertThat(PodNetwork.decode(first.encode())).isEqualTo(first);
    for (InterfaceAddress address : second.addresses()) {
      assertThat(holder.reaches(one, address)).as("pod to pod %s", address).isTrue();
      assertThat(holder.reaches(two, address)).as("pod to itself %s", address).isTrue();
      assertThat(hostReaches(address)).as("host to pod %s", address).isTrue();
    }
    assertThat(inside(one, "ip -o route show default")).contains("via 10.88.0.1 dev eth0");
    assertThat(inside(one, "ip -o -6 route show default"))
        .contains("via fd6d:6f6c:6f00::1 dev eth0");
    assertThat(inside(one, "ip -o -6 address show eth0"))
        .as("usable at once, link-local too")
        .contains("fe80::6d:aff:fe58:2/64")
        .doesNotContain("tentative");
    assertThat(inside(one, "ip -o link show eth0")).contains(first.mac(), "mtu " + first.mtu());
    for (Subnet subnet : List.of(V4, V6)) {
      assertThat(insideAnyway(one, connecting(subnet.at(1))))
          .as("the gateway %s answers", subnet)
          .contains("refused");
    }
    assertThat(sh("bridge -d link show dev " + first.hostLink())).contains("hairpin on");
    assertThat(sh("ip -o link show dev " + first.hostLink()))
        .contains("alias molo:molo:" + one.sandbox() + ":pod-");
    assertThat(sh("ip -o -6 address show dev " + first.hostLink())).isEmpty();
    assertThat(networks.status().attached()).isEqualTo(2);
  }

  private void quiescedPodAnswersNoMore() {
    BridgeNetworks networks = ready(settings("molo", List.of(V4), List.of(V6)));
    NetnsHolder.Pod one = holder.pod();
    NetnsHolder.Pod two = holder.pod();
    networks.attach(one.request());
    PodNetwork second = networks.attach(two.request());
    InterfaceAddress address = second.addresses().getFirst();
    assertThat(holder.reaches(one, address)).isTrue();

    long start = System.nanoTime();
    networks.quiesce(second);
    System.out.printf("quiesce: %.3f ms%n", (System.nanoTime() - start) / 1e6);

    for (InterfaceAddress gone : second.addresses()) {
      assertThat(holder.misses(one, gone)).as("%s is silent", gone).isTrue();
      assertThat(hostMisses(gone)).as("%s is silent to the host", gone).isTrue();
    }
    networks.quiesce(second);
    assertThat(networks.status().attached()).isEqualTo(1);
    assertThat(sh("ip -o link show dev " + second.hostLink()))
        .as("the kernel reaps it, not we")
        .doesNotContain("master")
        .contains("state DOWN");
  }

  private void addressRestsUntilTheKernelReapedTheLink() {
    NetworkSettings small =
        settings("molo", List.of(Subnet.parse("10.88.0.0/29")), List.of(), Duration.ofMillis(300));
    BridgeNetworks networks = ready(small);
    List<NetnsHolder.Pod> pods = Stream.generate(holder::pod).limit(5).toList();
    List<PodNetwork> made = pods.stream().map(pod -> networks.attach(pod.request())).toList();
    networks.quiesce(made.get(2));
    NetnsHolder.Pod next = holder.pod();
    assertThatThrownBy(() -> networks.attach(next.request())).hasMessageContaining("10.88.0.0/29");

    holder.end(pods.get(2));

    until("the link is gone", () -> !linkExists(made.get(2).hostLink()));
    until("the address came back", () -> attaches(networks, next));
    assertThat(networks.status().attached()).isEqualTo(5);
    assertThat(holder.reaches(pods.get(0), made.get(2).addresses().getFirst())).isTrue();
    // A pod whose namespace ended by itself gives its address back when it is stopped.
    holder.end(pods.get(4));
    until("the link is gone", () -> !linkExists(made.get(4).hostLink()));
    NetnsHolder.Pod last = holder.pod();
    assertThat(attaches(networks, last)).as("while its pod is not stopped").isFalse();
    networks.quiesce(made.get(4));
    until("the address came back", () -> attaches(networks, last));
  }

  private void heldNamespaceLosesItsLink() {
    AtomicLong clock = new AtomicLong();
    NetworkSettings settings = settings("molo", List.of(V4), List.of(V6));
    BridgeNetworks networks = keep(new BridgeNetworks(linux, settings, clock::get));
    assertThat(networks.recover(List.of())).isEmpty();
    PodNetwork network = networks.attach(holder.pod().request());
    networks.quiesce(network);

    clock.addAndGet(Duration.ofSeconds(29).toNanos());
    assertThat(linkExists(network.hostLink())).isTrue();
    clock.addAndGet(Duration.ofSeconds(2).toNanos());

    until("the link is deleted", () -> !linkExists(network.hostLink()));
  }

  private void orderlyEndLeavesNoLinkOfAStoppedPod() {
    BridgeNetworks networks = ready(settings("molo", List.of(V4), List.of(V6)));
    PodNetwork stopped = networks.attach(holder.pod().request());
    PodNetwork runs = networks.attach(holder.pod().request());
    networks.quiesce(stopped);
    assertThat(linkExists(stopped.hostLink())).as("its namespace is held").isTrue();

    networks.close();

    assertThat(linkExists(stopped.hostLink())).isFalse();
    assertThat(linkExists(runs.hostLink())).isTrue();
  }

  private void outsideSeesTheHostsAddress() {
    NetnsHolder.Pod outside = holder.pod();
    sh("ip link add out0 type veth peer name out1 netns " + holder.path(outside));
    sh("ip address add 192.0.2.1/24 dev out0; ip -6 address add 2001:db8::1/64 nodad dev out0");
    sh("ip link set out0 mtu 1400 up");
    inside(outside, "ip address add 192.0.2.9/24 dev out1; ip link set out1 up");
    inside(outside, "ip -6 address add 2001:db8::9/64 nodad dev out1");
    sh("ip route add default via 192.0.2.9");
    BridgeNetworks networks = ready(settings("molo", List.of(V4), List.of(V6)));
    assertThat(networks.status().warnings()).isEmpty();
    assertThat(networks.status().masquerade()).isTrue();
    NetnsHolder.Pod pod = holder.pod();
    assertThat(networks.attach(pod.request()).mtu())
        .as("that of the default route")
        .isEqualTo(1400);

    assertThat(holder.reaches(pod, Subnet.parse("192.0.2.0/24").at(9))).isTrue();
    assertThat(holder.visitor(outside)).isEqualTo("192.0.2.1");
    assertThat(holder.reaches(pod, Subnet.parse("2001:db8::/64").at(9))).isTrue();
    assertThat(holder.visitor(outside)).isEqualTo("2001:db8::1");
  }

  private void podsKeepTheirNetworkOverARestart() {
    NetworkSettings settings = settings("molo", List.of(V4), List.of(V6));
    BridgeNetworks before = ready(settings);
    NetnsHolder.Pod one = holder.pod();
    NetnsHolder.Pod two = holder.pod();
    NetnsHolder.Pod half = holder.pod();
    PodNetwork first = before.attach(one.request());
    PodNetwork second = before.attach(two.request());
    PodNetwork third = before.attach(half.request());
    before.close();
    sh("ip link set dev %s nomaster down".formatted(second.hostLink()));
    sh("ip link add mzzzz0123456789 type veth peer name x0");

    BridgeNetworks after = keep(new BridgeNetworks(linux, settings));
    List<SandboxId> lost = after.recover(List.of(first, second));

    assertThat(lost).isEmpty();
    assertThat(after.status().ready()).isTrue();
    assertThat(holder.reaches(one, second.addresses().getFirst())).isTrue();
    assertThat(hostReaches(first.addresses().getLast())).isTrue();
    assertThat(hostMisses(third.addresses().getFirst())).as("what is not live").isTrue();
    until("the leftover goes", () -> !linkExists(third.hostLink()));
    assertThat(linkExists("mzzzz0123456789")).as("a stranger's link").isTrue();
    assertThat(after.attach(holder.pod().request()).ips()).contains("10.88.0.4");

    holder.end(one);
    until("the link is gone", () -> !linkExists(first.hostLink()));
    BridgeNetworks again = keep(new BridgeNetworks(linux, settings));
    assertThat(again.recover(List.of(first, second))).containsExactly(first.sandbox());
  }

  private void exhaustedPoolIsNamed() {
    BridgeNetworks networks =
        ready(settings("molo", List.of(Subnet.parse("10.88.0.0/29")), List.of(V6)));
    for (int i = 0; i < 5; i++) {
      networks.attach(holder.pod().request());
    }
    NetnsHolder.Pod sixth = holder.pod();
    assertThatThrownBy(() -> networks.attach(sixth.request()))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.RESOURCE_EXHAUSTED))
        .hasMessageContaining("10.88.0.0/29")
        .hasMessageContaining("all 5 are in use");
    assertThat(insideAnyway(sixth, "ip -o link show eth0 2>&1")).contains("does not exist");
  }

  private void takenSubnetIsRefusedOrReplaced() {
    sh("ip link add other0 type bridge; ip address add 10.88.3.1/24 dev other0");
    sh("ip link set other0 up");
    BridgeNetworks refused = keep(new BridgeNetworks(linux, settings("a", List.of(V4), List.of())));
    refused.recover(List.of());
    assertThat(refused.status().ready()).isFalse();
    assertThat(refused.status().reason()).isEqualTo("SubnetTaken");
    assertThat(refused.status().message()).contains("10.88.0.0/16", "10.88.3.0/24 by other0");
    assertThatThrownBy(() -> refused.attach(holder.pod().request()))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.UNAVAILABLE))
        .hasMessageContaining("other0");
    assertThat(linkExists("molo-a")).isFalse();

    Subnet other = Subnet.parse("10.99.0.0/24");
    BridgeNetworks replaced = ready(settings("b", List.of(V4, other), List.of()));
    assertThat(replaced.status().subnets()).containsExactly(other);
    BridgeNetworks again = ready(settings("b", List.of(V4, other), List.of()));
    assertThat(again.status().subnets()).as("its own route is no obstacle").containsExactly(other);

    sh("ip link delete other0");
    refused.recover(List.of());
    assertThat(refused.status().ready()).as("a later recovery succeeds").isTrue();
  }

  private void foreignBridgeIsLeftAlone() {
    sh("ip link add molo0 type bridge");
    BridgeNetworks networks =
        keep(new BridgeNetworks(linux, settings("molo", List.of(V4), List.of())));
    networks.recover(List.of());
    assertThat(networks.status().reason()).isEqualTo("BridgeNameTaken");
    assertThat(sh("ip -o address show dev molo0")).isEmpty();
    assertThatThrownBy(networks::removeAll).hasMessageContaining("molo0");
    assertThat(linkExists("molo0")).isTrue();
  }

  private void noIpv6MeansIpv4Alone() {
    sh("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
    BridgeNetworks networks = ready(settings("molo", List.of(V4), List.of(V6)));
    assertThat(networks.status().warnings()).anyMatch(text -> text.contains("IPv6 is disabled"));
    NetnsHolder.Pod pod = holder.pod();
    PodNetwork network = networks.attach(pod.request());
    assertThat(network.ips()).containsExactly("10.88.0.2");
    assertThat(hostReaches(network.addresses().getFirst())).isTrue();
  }

  private void podWithoutIpv6HasIpv4Alone() {
    BridgeNetworks networks = ready(settings("molo", List.of(V4), List.of(V6)));
    NetnsHolder.Pod pod = holder.pod();
    holder.sysctl(pod, "net/ipv6/conf/default/disable_ipv6", "1");
    PodNetwork network = networks.attach(pod.request());
    assertThat(network.ips()).containsExactly("10.88.0.2");
    assertThat(network.gateways()).hasSize(1);
  }

  private void removeAllLeavesNothing() {
    // A new namespace begins with the machine's own value.
    sh("echo 0 > /proc/sys/net/ipv4/ip_forward");
    String links = sh("ip -o link show | cut -d: -f2");
    String forwarding = sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/*/accept_ra");
    NetworkSettings settings = settings("molo", List.of(V4), List.of(V6));
    BridgeNetworks networks = ready(settings);
    assertThat(networks.status().changedSysctls()).contains("net.ipv4.ip_forward: 0 -> 1");
    assertThat(sh("nft list tables")).contains("table ip molo", "table ip6 molo");
    NetnsHolder.Pod pod = holder.pod();
    NetnsHolder.Pod held = holder.pod();
    PodNetwork network = networks.attach(pod.request());
    PodNetwork other = networks.attach(held.request());
    assertThatThrownBy(networks::removeAll)
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.FAILED_PRECONDITION))
        .hasMessageContaining("2 pods are attached")
        .hasMessageContaining(pod.sandbox().value());
    networks.quiesce(network);
    holder.end(pod);
    networks.quiesce(other);
    networks.close();

    // As a command does it that never recovered anything.
    BridgeNetworks end = keep(new BridgeNetworks(linux, settings));
    end.removeAll();

    assertThat(end.status().ready()).isFalse();
    until("links are gone", () -> sh("ip -o link show | cut -d: -f2").equals(links));
    assertThat(sh("nft list tables")).isEmpty();
    assertThat(sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/*/accept_ra"))
        .isEqualTo(forwarding);
    end.removeAll();
  }

  private void instancesLiveSideBySide() {
    BridgeNetworks first = ready(settings("molo", List.of(V4), List.of(V6)));
    Subnet otherV4 = Subnet.parse("10.128.0.0/20");
    Subnet otherV6 = Subnet.parse("fd6d:6f6c:6f01:1::/64");
    BridgeNetworks second = ready(settings("two", List.of(otherV4), List.of(otherV6)));
    NetnsHolder.Pod one = holder.pod();
    NetnsHolder.Pod two = holder.pod();
    PodNetwork ofFirst = first.attach(one.request());
    PodNetwork ofSecond = second.attach(two.request());
    assertThat(holder.reaches(one, ofSecond.addresses().getFirst())).isTrue();
    assertThat(holder.reaches(two, ofFirst.addresses().getLast())).isTrue();

    second.quiesce(ofSecond);
    second.removeAll();

    assertThat(linkExists("molo-two")).isFalse();
    assertThat(sh("nft list tables")).contains("table ip molo").doesNotContain("two");
    assertThat(hostReaches(ofFirst.addresses().getFirst())).isTrue();
    assertThat(sh("cat /proc/sys/net/ipv4/ip_forward")).as("the first needs it").contains("1");
  }

  private void refusalsAreClear() {
    BridgeNetworks networks =
        keep(new BridgeNetworks(linux, settings("molo", List.of(V4), List.of(V6))));
    NetnsHolder.Pod pod = holder.pod();
    assertThatThrownBy(() -> networks.attach(pod.request()))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.UNAVAILABLE));
    networks.recover(List.of());
    PortMapping web = new PortMapping(PortMapping.Protocol.TCP, 80, 8080, "");
    assertThatThrownBy(() -> networks.attach(pod.request(web)))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.UNIMPLEMENTED))
        .hasMessageContaining("host port 8080");
    networks.attach(pod.request(new PortMapping(PortMapping.Protocol.TCP, 80, 0, "")));
    assertThatThrownBy(() -> networks.attach(pod.request()))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.FAILED_PRECONDITION));
    NetnsHolder.Pod crowded = holder.pod();
    inside(crowded, "ip link add eth0 type bridge");
    assertThatThrownBy(() -> networks.attach(crowded.request()))
        .isInstanceOf(LinuxException.class)
        .hasMessageContaining("EEXIST");
    assertThat(networks.status().attached()).isEqualTo(1);
  }

  /** A fault at every call that attach makes, one run each; the reaper's calls may be hit too. */
  private void failedAttachLeavesNothing() {
    RecordingLinux faulty = RecordingLinux.over(linux);
    BridgeNetworks networks =
        keep(new BridgeNetworks(faulty, settings("molo", List.of(V4), List.of(V6))));
    networks.recover(List.of());
    faulty.forget();
    networks.attach(holder.pod().request());
    int calls = faulty.calls().size();
    assertThat(calls).isGreaterThan(10);
    String before = sh("ip -o link show | cut -d: -f2 | cut -d@ -f1");
    int failures = 0;
    for (int successes = 0; successes < calls; successes++) {
      NetnsHolder.Pod pod = holder.pod();
      faulty.refuseAfter(successes, Errno.ENOBUFS);
      Optional<PodNetwork> made = attachUnlessInjected(networks, pod);
      faulty.refuseAfter(Integer.MAX_VALUE / 2, Errno.ENOBUFS);
      if (made.isPresent()) {
        networks.quiesce(made.get());
      } else {
        failures++;
        assertThat(insideAnyway(pod, "ip -o link show eth0 2>&1")).contains("does not exist");
      }
      holder.end(pod);
      made.ifPresent(m -> until("the link is gone", () -> !linkExists(m.hostLink())));
      assertThat(sh("ip -o link show | cut -d: -f2 | cut -d@ -f1"))
          .as("after a fault at call %d", successes)
          .isEqualTo(before);
      assertThat(networks.status().attached()).isEqualTo(1);
    }
    System.out.printf("attach failed at %d of %d calls%n", failures, calls);
    assertThat(failures).isGreaterThan(10);
    NetnsHolder.Pod last = holder.pod();
    assertThat(hostReaches(networks.attach(last.request()).addresses().getFirst())).isTrue();
  }

  private static Optional<PodNetwork> attachUnlessInjected(
      BridgeNetworks networks, NetnsHolder.Pod pod) {
    try {
      return Optional.of(networks.attach(pod.request()));
    } catch (LinuxException e) {
      assertThat(e).hasMessageContaining("injected");
      return Optional.empty();
    }
  }

  /** Wall time is printed; what must hold is said of calls into the kernel, which vary little. */
  private void attachCostsTheSameWithManyPods() {
    RecordingLinux counted = RecordingLinux.over(linux);
    BridgeNetworks networks =
        keep(new BridgeNetworks(counted, settings("molo", List.of(V4), List.of(V6))));
    assertThat(networks.recover(List.of())).isEmpty();
    int count = 400;
    double[] wall = new double[count];
    double[] calls = new double[count];
    for (int i = 0; i < count; i++) {
      NetnsHolder.Pod pod = holder.pod();
      AttachRequest request = pod.request();
      counted.forget();
      long start = System.nanoTime();
      networks.attach(request);
      wall[i] = (System.nanoTime() - start) / 1e6;
      // the thread that hears of links wakes once or often, as it happens to be scheduled
      calls[i] =
          counted.calls().stream().filter(call -> call.thread().equals("molo-network")).count();
      pod.closeDescriptors();
    }
    System.out.printf(
        "attach: median wall %.2f ms of pods 20 to 100; %.2f ms of the last 80 of %d%n",
        median(wall, 20, 100), median(wall, count - 80, count), count);
    // an answer may come in one piece or two
    assertThat(median(calls, count - 80, count)).isBetween(1.0, 1.25 * median(calls, 20, 100));
  }

  // ---- words

  private static double median(double[] values, int from, int to) {
    double[] part = Arrays.copyOfRange(values, from, to);
    Arrays.sort(part);
    return part[part.length / 2];
  }

  private NetworkSettings settings(String instance, List<Subnet> ipv4, List<Subnet> ipv6) {
    return settings(instance, ipv4, ipv6, Duration.ofSeconds(2));
  }

  private NetworkSettings settings(
      String instance, List<Subnet> ipv4, List<Subnet> ipv6, Duration quarantine) {
    boolean usual = instance.equals("molo");
    return new NetworkSettings(
        instance,
        usual ? "molo0" : "molo-" + instance,
        "m%04x".formatted(instance.hashCode() & 0xffff),
        usual ? "molo" : "molo_" + instance,
        ipv4,
        ipv6,
        0,
        true,
        quarantine,
        stateDir.resolve(instance));
  }

  private BridgeNetworks ready(NetworkSettings settings) {
    BridgeNetworks networks = keep(new BridgeNetworks(linux, settings));
    assertThat(networks.recover(List.of())).isEmpty();
    assertThat(networks.status().message()).isEmpty();
    assertThat(networks.status().ready()).isTrue();
    return networks;
  }

  private BridgeNetworks keep(BridgeNetworks networks) {
    open.add(networks);
    return networks;
  }

  private static boolean attaches(BridgeNetworks networks, NetnsHolder.Pod pod) {
    try {
      networks.attach(pod.request());
      return true;
    } catch (FaultException e) {
      assertThat(e.kind()).isEqualTo(Fault.RESOURCE_EXHAUSTED);
      return false;
    }
  }

  private static boolean hostReaches(InterfaceAddress address) {
    return hostConnects(address, NetnsHolder.LONG_SECONDS);
  }

  private static boolean hostMisses(InterfaceAddress address) {
    return !hostConnects(address, NetnsHolder.SHORT_SECONDS);
  }

  private static boolean hostConnects(InterfaceAddress address, int seconds) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(address.address(), NetnsHolder.PORT), seconds * 1000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean linkExists(String name) {
    return Files.exists(Path.of("/proc/sys/net/ipv4/conf", name));
  }

  private String inside(NetnsHolder.Pod pod, String command) {
    return sh("nsenter --net=%s sh -c '%s'".formatted(holder.path(pod), command));
  }

  private String insideAnyway(NetnsHolder.Pod pod, String command) {
    return sh("nsenter --net=%s sh -c \"$0\" || true".formatted(holder.path(pod)), command);
  }

  private static String connecting(InterfaceAddress address) {
    return "python3 -c \"import socket; socket.create_connection(('%s', 9), 60)\" 2>&1"
        .formatted(address.text());
  }

  private static String sh(String... command) {
    try {
      List<String> words = new ArrayList<>(List.of("sh", "-c"));
      words.addAll(List.of(command));
      Program.Ended ended = Program.run(new ProcessBuilder(words));
      if (ended.status() != 0) {
        throw new AssertionError(String.join(" ", command) + ": " + ended.output());
      }
      return ended.output().strip();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void until(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + PATIENCE_MILLIS + " ms: " + what);
      }
      java.util.concurrent.locks.LockSupport.parkNanos(10_000_000);
    }
  }

  @Override
  public void close() {
    for (AutoCloseable closeable : open.reversed()) {
      try {
        closeable.close();
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }
    holder.close();
  }
}
