package dev.molo.network;

import dev.molo.fault.FaultException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * How an instance's pod network shall be.
 *
 * @param instance the instance's name, which every name that the host can see is made from: 1 to 40
 *     of {@code a-z 0-9 -}, a letter or digit first
 * @param ipv4 the pool's subnet, prefix 8 to 29; empty: the first of this instance's candidates
 *     that no route of the host overlaps
 * @param ipv6 the pool's IPv6 subnet, prefix 64 to 112; empty: a unique local /64 of this machine
 *     and instance
 * @param ipv6Wanted false: pods have IPv4 alone
 * @param mtu bytes, 576 to 65535; 0: that of the interface with the host's default route
 * @param quarantine how long an address rests after its link is gone
 * @param stateDir a folder of this instance (made when missing) for the list of changed sysctls
 */
public record NetworkSettings(
    String instance,
    Optional<Subnet> ipv4,
    Optional<Subnet> ipv6,
    boolean ipv6Wanted,
    int mtu,
    Duration quarantine,
    Path stateDir) {
  private static final Pattern INSTANCE = Pattern.compile("[a-z0-9][a-z0-9-]{0,39}");

  public NetworkSettings {
    Objects.requireNonNull(stateDir);
    if (!INSTANCE.matcher(instance).matches()) {
      throw FaultException.invalid(
          "instance name \"%s\" must have 1 to 40 of a-z 0-9 -, a letter or digit first", instance);
    }
    checkSubnet(ipv4, false, 8, 29);
    checkSubnet(ipv6, true, 64, 112);
    if (mtu != 0 && (mtu < 576 || mtu > 65535)) {
      throw FaultException.invalid("network MTU %d must be 0 or from 576 to 65535", mtu);
    }
    if (ipv6Wanted && mtu != 0 && mtu < 1280) {
      throw FaultException.invalid("network MTU %d is below the 1280 that IPv6 needs", mtu);
    }
    if (quarantine.isNegative()) {
      throw FaultException.invalid("network address quarantine %s is negative", quarantine);
    }
  }

  /** Everything chosen for the instance: dual stack, the host's MTU, two seconds of quarantine. */
  public static NetworkSettings defaults(String instance, Path stateDir) {
    return new NetworkSettings(
        instance, Optional.empty(), Optional.empty(), true, 0, Duration.ofSeconds(2), stateDir);
  }

  private static void checkSubnet(Optional<Subnet> subnet, boolean ipv6, int least, int most) {
    if (subnet.isEmpty()) {
      return;
    }
    Subnet given = subnet.get();
    if (given.isIpv6() != ipv6 || given.prefix() < least || given.prefix() > most) {
      throw FaultException.invalid(
          "pod subnet %s must be %s with a prefix from %d to %d",
          given, ipv6 ? "IPv6" : "IPv4", least, most);
    }
  }
}
