package dev.molo.image.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Quoted;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One {@code hosts.toml} in containerd's format (containerd, docs/hosts.md): which hosts to ask for
 * a registry's content, in the order they stand in the file, the {@code server} last. Keys that we
 * do not know are errors: a mirror that is silently passed over is worse than a pull that says why.
 */
final class HostsFile {
  private static final Set<String> HOST_KEYS =
      Set.of(
          "capabilities",
          "ca",
          "client",
          "skip_verify",
          "override_path",
          "header",
          "dial_timeout",
          "proxy");
  private static final Set<String> TOP_KEYS = Set.of("server", "host");
  private static final Pattern DURATION_PART =
      Pattern.compile("([0-9]{1,9}(?:\\.[0-9]+)?)(ms|h|m|s)");

  /** RFC 9110, 5.6.2 and 5.5. */
  private static final Pattern HEADER_NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");

  private static final Pattern HEADER_VALUE = Pattern.compile("[\t\\x20-\\x7e]*");
  private static final TomlMapper MAPPER = new TomlMapper();

  private final Path file;
  private final String registry;

  private HostsFile(Path file, String registry) {
    this.file = file;
    this.registry = registry;
  }

  /**
   * Reads a file.
   *
   * @param registry the registry of the reference
   * @param fallback the registry itself, for a file without {@code server}
   * @throws FaultException FAILED_PRECONDITION naming file and key
   */
  static List<RegistryHost> read(Path file, String registry, RegistryHost fallback) {
    return new HostsFile(file, registry).read(fallback);
  }

  private List<RegistryHost> read(RegistryHost fallback) {
    JsonNode root;
    try {
      root = MAPPER.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw refused(
          "line " + e.getLocation().getLineNr() + ": " + Quoted.plain(e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw refused("cannot be read", e);
    }
    checkKeys(root, true);
    List<RegistryHost> hosts = new ArrayList<>();
    for (Map.Entry<String, JsonNode> host : root.path("host").properties()) {
      checkKeys(host.getValue(), false);
      hosts.add(host(host.getKey(), host.getValue(), fallback));
    }
    RegistryHost server = server(root, fallback);
    // What stands among the hosts too is not asked the same twice: the second answer, perhaps
    // without the host's certificates, would hide the first.
    Set<RegistryHost.Capability> left = new HashSet<>(server.capabilities());
    hosts.stream()
        .filter(host -> host.url("").equals(server.url("")))
        .forEach(host -> left.removeAll(host.capabilities()));
    if (!left.isEmpty()) {
      hosts.add(server.capableOf(left));
    }
    return hosts;
  }

  private RegistryHost server(JsonNode root, RegistryHost fallback) {
    String server = root.path("server").asText("");
    if (!server.isEmpty()) {
      return host(server, root, fallback);
    }
    return new RegistryHost(
        fallback.secure(),
        fallback.host(),
        fallback.port(),
        fallback.pathPrefix(),
        capabilities(root),
        tls(root),
        headers(root),
        route(root),
        true);
  }

  /** The registry itself may stand among the hosts too, over https or, where it says so, http. */
  private static boolean isItself(boolean secure, String host, int port, RegistryHost registry) {
    boolean samePort =
        port == registry.port()
            || (port == (secure ? 443 : 80) && registry.port() == (registry.secure() ? 443 : 80));
    return samePort && host.equalsIgnoreCase(registry.host());
  }

  private void checkKeys(JsonNode table, boolean top) {
    for (Map.Entry<String, JsonNode> key : table.properties()) {
      if (!HOST_KEYS.contains(key.getKey()) && !(top && TOP_KEYS.contains(key.getKey()))) {
        throw refused("unknown key " + Quoted.of(key.getKey()), null);
      }
    }
  }

  private RegistryHost host(String address, JsonNode table, RegistryHost registry) {
    URI uri = uri(address);
    boolean secure = uri.getScheme().equals("https");
    String path = uri.getRawPath() == null ? "" : uri.getRawPath();
    while (path.endsWith("/")) {
      path = path.substring(0, path.length() - 1);
    }
    if (!table.path("override_path").asBoolean(false) && !path.endsWith("/v2")) {
      path += "/v2";
    }
    Authority place = Authority.of(uri).orElseThrow();
    int port = place.portOr(secure ? 443 : 80);
    return new RegistryHost(
        secure,
        place.host(),
        port,
        path,
        capabilities(table),
        tls(table),
        headers(table),
        route(table),
        isItself(secure, place.host(), port, registry));
  }

  private RegistryHost.Route route(JsonNode table) {
    String proxy = table.path("proxy").asText("");
    try {
      return new RegistryHost.Route(
          Optional.ofNullable(table.get("dial_timeout")).map(this::duration),
          proxy.isEmpty() ? Optional.empty() : Optional.of(Proxies.Proxy.parse(proxy, "proxy")));
    } catch (FaultException e) {
      throw refused(e.getMessage(), null);
    }
  }

  /** As Go writes durations: {@code 1s}, {@code 1m30s}, {@code 500ms}. */
  private Duration duration(JsonNode node) {
    Matcher parts = DURATION_PART.matcher(node.asText(""));
    Duration sum = Duration.ZERO;
    int end = 0;
    while (end < node.asText("").length() && parts.find() && parts.start() == end) {
      double unit =
          switch (parts.group(2)) {
            case "h" -> 3_600_000;
            case "m" -> 60_000;
            case "s" -> 1000;
            default -> 1;
          };
      sum = sum.plusMillis((long) (Double.parseDouble(parts.group(1)) * unit));
      end = parts.end();
    }
    if (end == 0 || end != node.asText("").length() || sum.isZero()) {
      throw refused("dial_timeout is not a duration such as 1s", null);
    }
    return sum;
  }

  private URI uri(String address) {
    URI uri;
    try {
      uri = new URI(address.contains("://") ? address : "https://" + address);
    } catch (URISyntaxException e) {
      throw refused("host " + Quoted.of(address) + " is not a URL", e);
    }
    boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
    boolean plain = Authority.of(uri).filter(place -> place.userInfo().isEmpty()).isPresent();
    if (!http || !plain || uri.getQuery() != null) {
      throw refused("host " + Quoted.of(address) + " is not a plain http or https URL", null);
    }
    return uri;
  }

  private Set<RegistryHost.Capability> capabilities(JsonNode table) {
    JsonNode list = table.get("capabilities");
    if (list == null || (list.isArray() && list.isEmpty())) {
      return EnumSet.allOf(RegistryHost.Capability.class);
    }
    EnumSet<RegistryHost.Capability> capabilities = EnumSet.noneOf(RegistryHost.Capability.class);
    for (String word : texts(list, "capabilities")) {
      switch (word.toLowerCase(Locale.ROOT)) {
        case "pull" -> capabilities.add(RegistryHost.Capability.PULL);
        case "resolve" -> capabilities.add(RegistryHost.Capability.RESOLVE);
        case "push" -> capabilities.add(RegistryHost.Capability.PUSH);
        // Referrers are not asked for, whoever could tell them.
        case "referrers" -> {}
        default -> throw refused("unknown capability " + Quoted.of(word), null);
      }
    }
    return capabilities;
  }

  private RegistryHost.Tls tls(JsonNode table) {
    List<Path> authorities = new ArrayList<>();
    Optional.ofNullable(table.get("ca"))
        .ifPresent(ca -> texts(ca, "ca").forEach(name -> authorities.add(path(name))));
    List<RegistryHost.ClientCertificate> clients = new ArrayList<>();
    Optional.ofNullable(table.get("client")).ifPresent(client -> clients(client, clients));
    return new RegistryHost.Tls(table.path("skip_verify").asBoolean(false), authorities, clients);
  }

  /**
   * A file, a list of files, or a list of pairs of certificate and key; an empty key means the same
   * file.
   */
  private void clients(JsonNode client, List<RegistryHost.ClientCertificate> into) {
    if (client.isTextual()) {
      into.add(
          new RegistryHost.ClientCertificate(path(client.textValue()), path(client.textValue())));
      return;
    }
    for (JsonNode item : client) {
      if (item.isTextual()) {
        into.add(
            new RegistryHost.ClientCertificate(path(item.textValue()), path(item.textValue())));
        continue;
      }
      List<String> pair = texts(item, "client");
      if (pair.isEmpty() || pair.size() > 2) {
        throw refused("client is not a file or a pair of files", null);
      }
      String key = pair.size() == 2 && !pair.get(1).isEmpty() ? pair.get(1) : pair.getFirst();
      into.add(new RegistryHost.ClientCertificate(path(pair.getFirst()), path(key)));
    }
  }

  private Map<String, List<String>> headers(JsonNode table) {
    Map<String, List<String>> headers = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> header : table.path("header").properties()) {
      List<String> values = texts(header.getValue(), "header");
      if (!HEADER_NAME.matcher(header.getKey()).matches()
          || !values.stream().allMatch(value -> HEADER_VALUE.matcher(value).matches())) {
        // Its value may be a secret.
        throw refused(
            "header " + Quoted.of(header.getKey()) + " has characters that HTTP does not carry",
            null);
      }
      headers.put(header.getKey().toLowerCase(Locale.ROOT), values);
    }
    return headers;
  }

  private List<String> texts(JsonNode node, String key) {
    if (node.isTextual()) {
      return List.of(node.textValue());
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode item : node) {
      if (!item.isTextual()) {
        throw refused(key + " is not a string or a list of strings", null);
      }
      texts.add(item.textValue());
    }
    if (!node.isArray()) {
      throw refused(key + " is not a string or a list of strings", null);
    }
    return texts;
  }

  private Path path(String name) {
    return file.resolveSibling(name);
  }

  private FaultException refused(String why, Throwable cause) {
    return new FaultException(
        Fault.FAILED_PRECONDITION, "registry " + registry + ": " + file + ": " + why, cause);
  }
}
