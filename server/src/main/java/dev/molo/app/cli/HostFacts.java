package dev.molo.app.cli;

import dev.molo.cri.v1.DNSConfig;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** What a kubelet knows of its node. */
final class HostFacts {
  private HostFacts() {}

  static String name() {
    return read(Path.of("/proc/sys/kernel/hostname")).strip();
  }

  /** The first global address; empty when there is none. */
  static String address() {
    try {
      return NetworkInterface.networkInterfaces()
          .flatMap(NetworkInterface::inetAddresses)
          .filter(a -> !a.isLoopbackAddress() && !a.isLinkLocalAddress())
          .map(InetAddress::getHostAddress)
          .findFirst()
          .orElse("");
    } catch (SocketException e) {
      throw new FaultException(Fault.INTERNAL, "list the host's addresses: " + e, e);
    }
  }

  /** Bytes of memory. */
  static long memoryCapacity() {
    String line =
        read(Path.of("/proc/meminfo"))
            .lines()
            .filter(l -> l.startsWith("MemTotal:"))
            .findFirst()
            .orElseThrow();
    return Long.parseLong(line.replaceAll("\\D", "")) << 10;
  }

  /** The host's resolv.conf; nothing when there is none. */
  static DNSConfig dns() {
    Path file = Path.of("/etc/resolv.conf");
    DNSConfig.Builder dns = DNSConfig.newBuilder();
    if (!Files.exists(file)) {
      return dns.build();
    }
    for (String line : read(file).lines().toList()) {
      List<String> words = Arrays.asList(line.strip().split("\\s+"));
      List<String> values = words.subList(1, words.size());
      switch (words.getFirst()) {
        case "nameserver" -> dns.addAllServers(values);
        // the last one counts (resolv.conf(5))
        case "search", "domain" -> dns.clearSearches().addAllSearches(values);
        case "options" -> dns.addAllOptions(values);
        default -> {
          // a comment, or nothing that a pod can be given
        }
      }
    }
    return dns.build();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "read %s: %s".formatted(file, e), e);
    }
  }
}
