package dev.molo.image.registry;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Quoted;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Which proxy a connection takes, by the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or their
 * lower-case spellings, which win) as other programs of a node read them: loopback is never
 * proxied; an entry of NO_PROXY is {@code *}, an address, a network in CIDR form, or a domain that
 * stands for its subdomains too, each with an optional port. Immutable.
 */
public final class Proxies {
  private final Optional<Proxy> plain;
  private final Optional<Proxy> secure;
  private final List<Exempt> exceptions;

  private Proxies(Optional<Proxy> plain, Optional<Proxy> secure, List<Exempt> exceptions) {
    this.plain = plain;
    this.secure = secure;
    this.exceptions = List.copyOf(exceptions);
  }

  /** No proxy for anything. */
  public static Proxies none() {
    return new Proxies(Optional.empty(), Optional.empty(), List.of());
  }

  /**
   * From a process's environment.
   *
   * @throws FaultException INVALID_ARGUMENT naming the variable, never the credentials in it
   */
  public static Proxies of(Map<String, String> environment) {
    List<Exempt> exceptions = new ArrayList<>();
    for (String entry : value(environment, "NO_PROXY").split("[,\\s]+")) {
      if (!entry.isEmpty()) {
        exceptions.add(Exempt.parse(entry.toLowerCase(Locale.ROOT)));
      }
    }
    return new Proxies(
        proxy(environment, "HTTP_PROXY"), proxy(environment, "HTTPS_PROXY"), exceptions);
  }

  private static Optional<Proxy> proxy(Map<String, String> environment, String name) {
    String value = value(environment, name).strip();
    if (value.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        Proxy.parse(
            value.contains("://") ? value : "http://" + value, spelling(environment, name)));
  }

  private static String value(Map<String, String> environment, String name) {
    return environment.getOrDefault(spelling(environment, name), "");
  }

  /** Which of the two that a variable has is the one that counts. */
  private static String spelling(Map<String, String> environment, String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return environment.containsKey(lower) ? lower : name;
  }

  /** The proxy on the way to a host. */
  Optional<Proxy> to(boolean https, String host, int port) {
    String name = host.toLowerCase(Locale.ROOT);
    if (UpstreamHost.isLoopback(name)
        || exceptions.stream().anyMatch(exception -> exception.matches(name, port))) {
      return Optional.empty();
    }
    return https ? secure : plain;
  }

  /**
   * One proxy. {@code toString} shows no credentials.
   *
   * @param type how it is spoken to
   * @param secure whether the connection to it is itself behind TLS
   * @param username empty when it wants none
   */
  record Proxy(
      ProxyType type, boolean secure, String host, int port, String username, String password) {
    private static final String NOT_DONE =
        ", which is not supported; http://, https:// and socks5:// are";

    /**
     * Reads a proxy's URL.
     *
     * @param where for the message: the variable or the file
     */
    static Proxy parse(String url, String where) {
      URI uri;
      try {
        uri = new URI(url);
      } catch (URISyntaxException e) {
        // The parser's message would show the URL, which may hold a password.
        throw refused(where, "is not a URL");
      }
      Optional<Authority> place = Authority.of(uri);
      if (place.isEmpty() || uri.getScheme() == null) {
        throw refused(where, "names no host");
      }
      ProxyType type =
          switch (uri.getScheme()) {
            case "http", "https" -> ProxyType.HTTP;
            case "socks5", "socks5h" -> ProxyType.SOCKS5;
            default ->
                throw refused(
                    where, shown(uri.getScheme(), place.get()) + " is of another kind" + NOT_DONE);
          };
      boolean secure = uri.getScheme().equals("https");
      int usual = secure ? 443 : type == ProxyType.HTTP ? 80 : 1080;
      String user = place.get().userInfo();
      int colon = user.indexOf(':');
      return new Proxy(
          type,
          secure,
          place.get().host(),
          place.get().portOr(usual),
          decoded(colon < 0 ? user : user.substring(0, colon)),
          decoded(colon < 0 ? "" : user.substring(colon + 1)));
    }

    /** Without credentials, path and query. */
    private static String shown(String scheme, Authority place) {
      String port = place.port() < 0 ? "" : ":" + place.port();
      return Quoted.plain(scheme + "://" + place.host() + port);
    }

    private static String decoded(String text) {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    private static FaultException refused(String where, String why) {
      return new FaultException(Fault.INVALID_ARGUMENT, where + ": the proxy " + why);
    }

    /** For Vert.x, which speaks to proxies that are not behind TLS; see {@link TlsProxies}. */
    ProxyOptions options() {
      ProxyOptions options = new ProxyOptions().setType(type).setHost(host).setPort(port);
      return username.isEmpty() ? options : options.setUsername(username).setPassword(password);
    }

    /** What it wants to see of us, as a header has it. */
    Optional<String> authorization() {
      byte[] both = (username + ":" + password).getBytes(StandardCharsets.UTF_8);
      return username.isEmpty()
          ? Optional.empty()
          : Optional.of("Basic " + Base64.getEncoder().encodeToString(both));
    }

    @Override
    public String toString() {
      return (secure ? "https" : type.name().toLowerCase(Locale.ROOT))
          + "://"
          + (host.indexOf(':') >= 0 ? "[" + host + "]" : host)
          + ":"
          + port;
    }
  }

  /** One entry of NO_PROXY; a port of -1 stands for any. */
  private sealed interface Exempt {
    boolean matches(String host, int toPort);

    static Exempt parse(String entry) {
      int slash = entry.indexOf('/');
      if (slash >= 0) {
        return network(entry, entry.substring(0, slash), entry.substring(slash + 1));
      }
      String name = entry;
      int port = -1;
      int colon = entry.lastIndexOf(':');
      boolean bareIpv6 = entry.indexOf(':') != colon && !entry.startsWith("[");
      if (colon > entry.lastIndexOf(']')
          && !bareIpv6
          && entry.substring(colon + 1).matches("[0-9]{1,5}")) {
        name = entry.substring(0, colon);
        port = Integer.parseInt(entry.substring(colon + 1));
      }
      if (name.startsWith("[") && name.endsWith("]")) {
        name = name.substring(1, name.length() - 1);
      }
      Optional<InetAddress> address = address(name);
      if (address.isPresent()) {
        return new Network(address.get(), address.get().getAddress().length * 8, port);
      }
      return new Named(name.startsWith("*.") ? name.substring(1) : name, port);
    }

    private static Network network(String entry, String base, String length) {
      Optional<InetAddress> address = address(base);
      boolean good = address.isPresent() && length.matches("[0-9]{1,3}");
      int bits = good ? Integer.parseInt(length) : 0;
      if (!good || bits > address.get().getAddress().length * 8) {
        throw new FaultException(Fault.INVALID_ARGUMENT, "NO_PROXY: " + entry + " is no network");
      }
      return new Network(address.get(), bits, -1);
    }

    /** An address as it is written; empty for a name, which is never looked up. */
    private static Optional<InetAddress> address(String text) {
      if (!text.matches("[0-9.]+") && text.indexOf(':') < 0) {
        return Optional.empty();
      }
      try {
        return Optional.of(InetAddress.ofLiteral(text));
      } catch (IllegalArgumentException e) {
        // Digits and dots that are no address: a name after all.
        return Optional.empty();
      }
    }
  }

  /** A domain with its subdomains; with a dot in front, only these; a star is everything. */
  private record Named(String name, int port) implements Exempt {
    @Override
    public boolean matches(String host, int toPort) {
      boolean anyPort = port < 0 || port == toPort;
      return anyPort
          && (name.equals("*")
              || host.equals(name)
              || host.endsWith(name.startsWith(".") ? name : "." + name));
    }
  }

  /** Addresses whose first bits are these. */
  private record Network(InetAddress base, int bits, int port) implements Exempt {
    @Override
    public boolean matches(String host, int toPort) {
      boolean anyPort = port < 0 || port == toPort;
      return anyPort && Exempt.address(host).filter(this::holds).isPresent();
    }

    private boolean holds(InetAddress address) {
      byte[] wanted = base.getAddress();
      byte[] actual = address.getAddress();
      if (wanted.length != actual.length) {
        return false;
      }
      for (int i = 0; i < bits; i++) {
        int mask = 0x80 >> i % 8;
        if ((actual[i / 8] & mask) != (wanted[i / 8] & mask)) {
          return false;
        }
      }
      return true;
    }
  }
}
