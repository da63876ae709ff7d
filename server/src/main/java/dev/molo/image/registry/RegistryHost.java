package dev.molo.image.registry;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One place to ask for a registry's content: the registry itself, or a mirror of it.
 *
 * @param secure https
 * @param host name or address, an IPv6 address without its brackets
 * @param port always given
 * @param pathPrefix {@code /v2} as a rule
 * @param capabilities what it may be asked for
 * @param tls how its certificate is judged
 * @param headers sent with each request to it (and to nobody else), names in lower case
 * @param route how it is reached
 * @param upstream whether this is the registry that the reference names, which the pull's
 *     credentials are for
 */
record RegistryHost(
    boolean secure,
    String host,
    int port,
    String pathPrefix,
    Set<Capability> capabilities,
    Tls tls,
    Map<String, List<String>> headers,
    Route route,
    boolean upstream) {

  /** What a host may be asked for, as hosts.toml says it. */
  enum Capability {
    PULL,
    RESOLVE,
    PUSH;

    /** As hosts.toml spells it. */
    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * How a server's certificate is judged and which one we show.
   *
   * @param skipVerify any certificate will do
   * @param authorities files with certificates, trusted beside the system's
   * @param clients pairs of certificate and key files
   */
  record Tls(boolean skipVerify, List<Path> authorities, List<ClientCertificate> clients) {
    Tls {
      authorities = List.copyOf(authorities);
      clients = List.copyOf(clients);
    }

    /** The same judgement, for a host that is not shown who we are. */
    Tls withoutClients() {
      return new Tls(skipVerify, authorities, List.of());
    }

    static Tls system() {
      return new Tls(false, List.of(), List.of());
    }
  }

  /**
   * How a host is reached.
   *
   * @param dialTimeout for one connection; the general one when empty
   * @param proxy instead of what the environment says
   */
  record Route(Optional<Duration> dialTimeout, Optional<Proxies.Proxy> proxy) {
    static Route usual() {
      return new Route(Optional.empty(), Optional.empty());
    }
  }

  /** Two files; the same one twice when it holds both. */
  record ClientCertificate(Path certificate, Path key) {}

  /** The same place, behind https. */
  RegistryHost secured() {
    return new RegistryHost(
        true, host, port, pathPrefix, capabilities, tls, headers, route, upstream);
  }

  /** The same place with other trust. */
  RegistryHost with(Tls other) {
    return new RegistryHost(
        secure, host, port, pathPrefix, capabilities, other, headers, route, upstream);
  }

  /** The same place, asked for other things. */
  RegistryHost capableOf(Set<Capability> other) {
    return new RegistryHost(secure, host, port, pathPrefix, other, tls, headers, route, upstream);
  }

  RegistryHost {
    capabilities = Set.copyOf(capabilities);
    headers = Map.copyOf(headers);
  }

  /** {@code host:port} with brackets around an IPv6 address, for messages and the Host header. */
  String authority() {
    String name = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    boolean usual = port == (secure ? 443 : 80);
    return usual ? name : name + ":" + port;
  }

  /** Scheme, name and port, for messages. */
  String origin() {
    return (secure ? "https://" : "http://") + authority();
  }

  /** For messages: no header, no query. */
  String url(String path) {
    return origin() + pathPrefix + path;
  }

  boolean can(Capability capability) {
    return capabilities.contains(capability);
  }
}
