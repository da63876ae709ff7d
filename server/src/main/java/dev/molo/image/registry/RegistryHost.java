package dev.molo.image.registry;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
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
    boolean upstream) {

  /** What a host may be asked for, as hosts.toml says it. */
  enum Capability {
    PULL,
    RESOLVE,
    PUSH
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

    static Tls system() {
      return new Tls(false, List.of(), List.of());
    }
  }

  /** Two files; the same one twice when it holds both. */
  record ClientCertificate(Path certificate, Path key) {}

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

  /** For messages: no header, no query. */
  String url(String path) {
    return (secure ? "https://" : "http://") + authority() + pathPrefix + path;
  }

  boolean can(Capability capability) {
    return capabilities.contains(capability);
  }
}
