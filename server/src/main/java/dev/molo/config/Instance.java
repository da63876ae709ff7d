package dev.molo.config;

import dev.molo.fault.FaultException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * The name of one daemon on this host, and the names that follow from it. Whatever the host can see
 * carries it, so that several daemons live side by side. The instance {@code molo} has the short,
 * well-known names.
 *
 * @param name 1 to 32 of a-z, 0-9 and '-', beginning with a letter
 */
public record Instance(String name) {
  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,31}");

  /** IFNAMSIZ less the final NUL (linux/if.h). */
  private static final int MAX_LINK_NAME = 15;

  public static final Instance DEFAULT = new Instance("molo");

  public Instance {
    if (!NAME.matcher(name).matches()) {
      throw FaultException.invalid(
          "instance name \"%s\": must be 1 to 32 of a-z, 0-9 and '-', beginning with a letter",
          name);
    }
  }

  /** Whether this is the instance that has the well-known names. */
  public boolean isDefault() {
    return name.equals("molo");
  }

  /** {@code molo}, or {@code molo-NAME}: what folders, cgroups and tables are called. */
  public String qualifiedName() {
    return isDefault() ? "molo" : "molo-" + name;
  }

  /** Where images and pods are kept unless configured otherwise. */
  public Path root() {
    return Path.of("/var/lib", qualifiedName());
  }

  /** Where sockets and exits live unless configured otherwise; a tmpfs. */
  public Path run() {
    return Path.of("/run", qualifiedName());
  }

  /** The bridge's name: at most 15 bytes, the tail of a long instance name replaced by its hash. */
  public String bridge() {
    if (isDefault()) {
      return "molo0";
    }
    String whole = qualifiedName();
    return whole.length() <= MAX_LINK_NAME
        ? whole
        : "%s%08x".formatted(whole.substring(0, MAX_LINK_NAME - 8), hash());
  }

  /**
   * What host ends of veth pairs begin with: 5 bytes, so that ten are left to tell pods apart. Two
   * instances share one with a chance of one in 65536; the names' rest is random, and a link is
   * known by its bridge.
   */
  public String vethPrefix() {
    return "m%04x".formatted(hash() & 0xffff);
  }

  /** The name of the nftables table, in each family. */
  public String nftTable() {
    return qualifiedName().replace('-', '_');
  }

  /** The cgroup below which pods without a cgroup parent go, and the daemon's own leaf. */
  public String cgroupRoot() {
    return "/" + qualifiedName();
  }

  /**
   * The address pools: 10.88.0.0/16 and fd6d:6f6c:6f00::/64 for the default instance, a /20 of
   * 10.128.0.0/9 and a /64 by the name's hash for others.
   */
  public List<String> subnets() {
    if (isDefault()) {
      return List.of("10.88.0.0/16", "fd6d:6f6c:6f00::/64");
    }
    int slot = (int) (hash() % 2048);
    return List.of(
        "10.%d.%d.0/20".formatted(128 + slot / 16, slot % 16 * 16),
        "fd6d:6f6c:6f01:%x::/64".formatted(hash() & 0xffff));
  }

  private long hash() {
    CRC32 crc = new CRC32();
    crc.update(name.getBytes(StandardCharsets.UTF_8));
    return crc.getValue();
  }

  @Override
  public String toString() {
    return name;
  }
}
