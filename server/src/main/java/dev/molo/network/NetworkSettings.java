package dev.molo.network;

import dev.molo.config.Instance;
import dev.molo.config.NetworkConfig;
import dev.molo.fault.FaultException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * How an instance's pod network shall be.
 *
 * @param instance the instance's name, by which its links are tagged
 * @param bridge at most 15 of {@code a-z A-Z 0-9 . _ -}
 * @param linkPrefix what host ends of veth pairs begin with, 5 characters
 * @param table the name of its nftables tables
 * @param ipv4 candidates for the pool's subnet, prefix 8 to 29: the first that no route of the host
 *     overlaps is taken; none: pods have IPv6 alone
 * @param ipv6 likewise, prefix 64 to 112
 * @param mtu bytes, 576 to 65535; 0: that of the interface with the host's default route
 * @param masquerade whether traffic to beyond the host leaves with the host's address
 * @param quarantine how long an address rests after its link is gone
 * @param stateDir a folder of this instance (made when missing) for the list of changed sysctls
 */
public record NetworkSettings(
    String instance,
    String bridge,
    String linkPrefix,
    String table,
    List<Subnet> ipv4,
    List<Subnet> ipv6,
    int mtu,
    boolean masquerade,
    Duration quarantine,
    Path stateDir) {
  private static final Pattern LINK = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}");
  private static final Pattern TABLE = Pattern.compile("[a-zA-Z_][a-zA-Z0-9_]{0,63}");
  private static final Duration QUARANTINE = Duration.ofSeconds(2);

  /** Slots of /20 in 10.128.0.0/9, where {@link Instance#subnets} puts instances. */
  private static final int SLOTS = 2048;

  public NetworkSettings {
    Objects.requireNonNull(instance);
    Objects.requireNonNull(stateDir);
    ipv4 = List.copyOf(ipv4);
    ipv6 = List.copyOf(ipv6);
    if (!LINK.matcher(bridge).matches()) {
      throw FaultException.invalid(
          "network.bridge \"%s\": must be 1 to 15 of a-z A-Z 0-9 . _ -, a letter or digit first",
          bridge);
    }
    if (!TABLE.matcher(table).matches()) {
      throw FaultException.invalid("nftables table name \"%s\": not a plain word", table);
    }
    if (linkPrefix.length() != 5 || !LINK.matcher(linkPrefix).matches()) {
      throw FaultException.invalid("link prefix \"%s\": must be 5 plain characters", linkPrefix);
    }
    ipv4.forEach(subnet -> checkSubnet(subnet, false, 8, 29));
    ipv6.forEach(subnet -> checkSubnet(subnet, true, 64, 112));
    if (ipv4.isEmpty() && ipv6.isEmpty()) {
      throw FaultException.invalid("network.subnets: at least one subnet is needed");
    }
    int least = ipv6.isEmpty() ? 576 : 1280;
    if (mtu != 0 && (mtu < least || mtu > 65535)) {
      throw FaultException.invalid("network.mtu %d: must be 0 or %d to 65535", mtu, least);
    }
    if (quarantine.isNegative()) {
      throw FaultException.invalid("quarantine of addresses %s: is negative", quarantine);
    }
  }

  /**
   * From the configuration. Subnets that somebody wrote down are taken as they are; those that only
   * follow from the instance's name may be replaced by others when the host uses them already.
   */
  public static NetworkSettings of(Instance instance, NetworkConfig config, Path stateDir) {
    List<Subnet> ipv4 = new ArrayList<>();
    List<Subnet> ipv6 = new ArrayList<>();
    for (String text : config.subnets()) {
      Subnet subnet = Subnet.parse(text);
      List<Subnet> family = subnet.isIpv6() ? ipv6 : ipv4;
      if (!family.isEmpty()) {
        throw FaultException.invalid(
            "network.subnets: %s and %s are of one family", family.getFirst(), subnet);
      }
      family.add(subnet);
    }
    if (config.subnets().equals(instance.subnets())) {
      addAlternatives(instance.name(), ipv4, ipv6);
    }
    return new NetworkSettings(
        instance.name(),
        config.bridge(),
        instance.vethPrefix(),
        instance.nftTable(),
        ipv4,
        ipv6,
        config.mtu(),
        config.masquerade(),
        QUARANTINE,
        stateDir);
  }

  private static void addAlternatives(String name, List<Subnet> ipv4, List<Subnet> ipv6) {
    CRC32 crc = new CRC32();
    crc.update(name.getBytes(StandardCharsets.UTF_8));
    int start = (int) (crc.getValue() % SLOTS);
    for (int i = 1; i <= 16; i++) {
      int slot = (start + i * 101) % SLOTS;
      ipv4.add(Subnet.parse("10.%d.%d.0/20".formatted(128 + slot / 16, slot % 16 * 16)));
      ipv6.add(Subnet.parse("fd6d:6f6c:6f02:%x::/64".formatted(slot)));
    }
    // Where a route of the host covers all of 10.0.0.0/8.
    for (int i = 0; i < 16; i++) {
      int slot = (start + i) % 16;
      ipv4.add(Subnet.parse("172.30.%d.0/20".formatted(slot * 16)));
      ipv4.add(Subnet.parse("192.168.%d.0/20".formatted(slot * 16)));
    }
  }

  /** What links of this instance carry in their alias; the bridge's is this alone. */
  String tag() {
    return "molo:" + instance;
  }

  private static void checkSubnet(Subnet given, boolean ipv6, int least, int most) {
    if (given.isIpv6() != ipv6 || given.prefix() < least || given.prefix() > most) {
      throw FaultException.invalid(
          "network.subnets: %s must be %s with a prefix from %d to %d",
          given, ipv6 ? "IPv6" : "IPv4", least, most);
    }
  }
}
