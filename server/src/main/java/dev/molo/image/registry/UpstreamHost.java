package dev.molo.image.registry;

import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** The registry that a reference names, as an address to connect to. */
final class UpstreamHost {
  private UpstreamHost() {}

  /**
   * The host behind the first part of a reference. Docker's own registry lives under another name
   * than its images carry. Plain http is for loopback and for those that the configuration lists.
   */
  static RegistryHost of(String registry, Set<String> plainHttp) {
    String address = registry.equals("docker.io") ? "registry-1.docker.io" : registry;
    int colon = address.lastIndexOf(':');
    boolean hasPort = colon > address.lastIndexOf(']');
    String host = hasPort ? address.substring(0, colon) : address;
    boolean plain = plainHttp.contains(registry) || plainHttp.contains(host) || isLoopback(address);
    int port = hasPort ? Integer.parseInt(address.substring(colon + 1)) : plain ? 80 : 443;
    boolean secure = !plain || port == 443;
    String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    return new RegistryHost(
        secure,
        bare,
        port,
        "/v2",
        EnumSet.allOf(RegistryHost.Capability.class),
        RegistryHost.Tls.system(),
        Map.of(),
        RegistryHost.Route.usual(),
        true);
  }

  /**
   * Whether {@code host}, {@code host:port} or {@code [address]:port} is this machine itself, by
   * its spelling.
   */
  static boolean isLoopback(String address) {
    if (address.startsWith("[::1]")) {
      return true;
    }
    int colon = address.indexOf(':');
    String host =
        colon < 0 || colon != address.lastIndexOf(':') ? address : address.substring(0, colon);
    return host.equals("localhost")
        || host.endsWith(".localhost")
        || host.equals("::1")
        || host.matches("127\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}");
  }
}
