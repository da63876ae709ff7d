package dev.molo.image.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.Fault;
import dev.molo.image.Cancellation;
import dev.molo.image.RegistryAuth;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * Who we are, for the hosts of one pull. Credentials go to the registry that the reference names
 * and to the token server that this registry names; a mirror gets at most an anonymous token. What
 * a host wants to see is known until the pull ends; tokens for as long as they are good ({@link
 * TokenCache}). Thread-safe.
 */
final class Authenticator {
  private static final int MAX_TOKEN_ANSWER = 256 << 10;
  private static final String BEARER = "Bearer ";
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Exchange exchange;
  private final RegistryAuth auth;
  private final TokenCache tokens;
  private final String defaultScope;
  private final int attempts;
  private final Map<RegistryHost, String> headers = new ConcurrentHashMap<>();
  private final ReentrantLock lock = new ReentrantLock();

  /**
   * @param defaultScope asked for when the challenge names none
   * @param attempts how often the registry's token server is asked while it is busy or broken; a
   *     mirror's is asked once, for there is another host
   */
  Authenticator(
      Exchange exchange, RegistryAuth auth, TokenCache tokens, String defaultScope, int attempts) {
    this.exchange = exchange;
    this.auth = auth;
    this.tokens = tokens;
    this.defaultScope = defaultScope;
    this.attempts = attempts;
  }

  /** The Authorization header for a host, as far as it is known. */
  Optional<String> header(RegistryHost host) {
    if (host.upstream() && auth instanceof RegistryAuth.RegistryToken token) {
      return Optional.of(BEARER + token.token());
    }
    return Optional.ofNullable(headers.get(host));
  }

  /**
   * The host answered 401. Finds what it wants to see.
   *
   * @param used what the refused request had
   * @return false when there is nothing better to offer
   * @throws HostFailure when the token server refuses
   */
  boolean answer(
      RegistryHost host, Optional<String> used, List<String> challenges, Cancellation cancellation)
      throws HostFailure {
    if (host.headers().containsKey("authorization")
        || (host.upstream() && auth instanceof RegistryAuth.RegistryToken)) {
      return false;
    }
    lock.lock();
    try {
      Optional<String> current = header(host);
      if (!current.equals(used)) {
        // Another layer of the same pull has found it out meanwhile.
        return true;
      }
      if (used.isPresent() && used.get().startsWith("Basic ")) {
        return false;
      }
      for (String text : challenges) {
        for (Challenge challenge : Challenge.parse(text)) {
          Optional<String> header = header(host, challenge, used, cancellation);
          if (header.isPresent() && !header.equals(used)) {
            headers.put(host, header.get());
            return true;
          }
        }
      }
      return false;
    } finally {
      lock.unlock();
    }
  }

  private Optional<String> header(
      RegistryHost host, Challenge challenge, Optional<String> used, Cancellation cancellation)
      throws HostFailure {
    return switch (challenge.scheme()) {
      case "bearer" -> Optional.of(BEARER + token(host, challenge, used, cancellation));
      case "basic" ->
          host.upstream() && auth instanceof RegistryAuth.Basic basic
              ? Optional.of(basicHeader(basic))
              : Optional.empty();
      default -> Optional.empty();
    };
  }

  private static String basicHeader(RegistryAuth.Basic basic) {
    byte[] both = (basic.username() + ":" + basic.password()).getBytes(StandardCharsets.UTF_8);
    return "Basic " + Base64.getEncoder().encodeToString(both);
  }

  private String token(
      RegistryHost host, Challenge challenge, Optional<String> used, Cancellation cancellation)
      throws HostFailure {
    URI realm = realm(host, challenge.parameter("realm"));
    String scope =
        challenge.parameter("scope").isEmpty() ? defaultScope : challenge.parameter("scope");
    String service = challenge.parameter("service");
    TokenCache.Key key =
        tokens.key(
            host.origin(),
            realm.toString(),
            service,
            scope,
            host.upstream() ? auth : RegistryAuth.anonymous());
    Optional<String> known = tokens.find(key);
    if (known.isPresent() && !used.equals(known.map(BEARER::concat))) {
      return known.get();
    }
    tokens.forget(key);
    Exchange.Request request =
        host.upstream() && auth instanceof RegistryAuth.IdentityToken identity
            ? refresh(host, realm, service, scope, identity)
            : ask(host, realm, service, scope);
    Granted granted = granted(request, host.upstream() ? attempts : 1, cancellation);
    tokens.keep(key, granted.token(), granted.life());
    return granted.token();
  }

  private record Granted(String token, Duration life) {}

  private Granted granted(Exchange.Request request, int most, Cancellation cancellation)
      throws HostFailure {
    for (int attempt = 1; ; attempt++) {
      HostFailure failure;
      Optional<Duration> wanted = Optional.empty();
      try (Exchange.Answer answer = send(request, cancellation)) {
        if (answer.status() == 200) {
          return read(answer);
        }
        failure = refusal(answer);
        wanted = RegistryErrors.wantedPause(answer);
        if (!RegistryErrors.isTransient(answer.status())) {
          throw failure;
        }
      } catch (IOException e) {
        failure = failure(Fault.UNAVAILABLE, request.target(), e.getMessage(), e);
        if (Failures.isPermanent(e)) {
          throw failure;
        }
      }
      if (attempt == most) {
        throw failure;
      }
      Backoff.pause(attempt, wanted, cancellation);
    }
  }

  private static HostFailure refusal(Exchange.Answer answer) {
    HostFailure refused = RegistryErrors.of(answer);
    Fault kind =
        answer.status() == 400 || answer.status() == 403 ? Fault.UNAUTHENTICATED : refused.kind();
    return new HostFailure(kind, "token server " + refused.getMessage(), refused);
  }

  private static Granted read(Exchange.Answer answer) throws IOException, HostFailure {
    byte[] bytes = answer.readAll(MAX_TOKEN_ANSWER);
    JsonNode json;
    try {
      json = MAPPER.readTree(bytes);
    } catch (JsonProcessingException e) {
      // The parser's message could quote the token.
      throw failure(Fault.UNAVAILABLE, answer.from(), "its answer is not JSON", null);
    }
    String token = json.path("token").asText(json.path("access_token").asText(""));
    if (token.isEmpty() || token.chars().anyMatch(c -> c <= ' ' || c >= 0x7f)) {
      throw failure(Fault.UNAUTHENTICATED, answer.from(), "its answer holds no token", null);
    }
    return new Granted(
        token, Duration.ofSeconds(json.path("expires_in").asLong(TokenCache.USUAL.toSeconds())));
  }

  private static HostFailure failure(
      Fault kind, Exchange.Target server, String why, IOException cause) {
    return new HostFailure(kind, "token server " + server.shown() + ": " + why, cause);
  }

  /** A connection that was kept from before may just have been closed by the server. */
  private Exchange.Answer send(Exchange.Request request, Cancellation cancellation)
      throws IOException {
    try {
      return exchange.send(request, cancellation);
    } catch (IOException e) {
      if (!Failures.isClosedConnection(e)) {
        throw e;
      }
      return exchange.send(request, cancellation);
    }
  }

  /** A secret must not travel less protected than the registry's own content does. */
  private static URI realm(RegistryHost host, String text) throws HostFailure {
    URI realm;
    try {
      realm = new URI(text);
    } catch (URISyntaxException e) {
      throw new HostFailure(
          Fault.INTERNAL, host.url("/") + ": the token server it names is not a URL", e);
    }
    boolean http = "http".equals(realm.getScheme());
    if (Authority.of(realm).isEmpty() || !(http || "https".equals(realm.getScheme()))) {
      throw new HostFailure(
          Fault.INTERNAL,
          host.url("/") + ": the token server it names is not an http address",
          null);
    }
    if (http && host.secure()) {
      throw new HostFailure(
          Fault.INTERNAL, host.url("/") + ": the token server it names is not behind https", null);
    }
    return realm;
  }

  private Exchange.Request ask(RegistryHost host, URI realm, String service, String scope) {
    String query = realm.getRawQuery() == null ? "" : realm.getRawQuery() + "&";
    // One challenge may want several, as for a blob that lies in two repositories.
    query +=
        Arrays.stream(scope.split(" "))
            .map(one -> "scope=" + encode(one))
            .collect(Collectors.joining("&"));
    if (!service.isEmpty()) {
      query += "&service=" + encode(service);
    }
    Map<String, List<String>> secret =
        host.upstream() && auth instanceof RegistryAuth.Basic basic
            ? Map.of("Authorization", List.of(basicHeader(basic)))
            : Map.of();
    return new Exchange.Request(
        HttpMethod.GET,
        target(host, realm, path(realm) + "?" + query),
        Map.of("Accept", "application/json"),
        secret,
        Optional.empty());
  }

  private Exchange.Request refresh(
      RegistryHost host,
      URI realm,
      String service,
      String scope,
      RegistryAuth.IdentityToken identity) {
    String form =
        "grant_type=refresh_token&client_id=molo&service="
            + encode(service)
            + "&scope="
            + encode(scope)
            + "&refresh_token="
            + encode(identity.token());
    String uri =
        realm.getRawQuery() == null ? path(realm) : path(realm) + "?" + realm.getRawQuery();
    return new Exchange.Request(
        HttpMethod.POST,
        target(host, realm, uri),
        Map.of("Accept", "application/json", "Content-Type", "application/x-www-form-urlencoded"),
        Map.of(),
        Optional.of(Buffer.buffer(form)));
  }

  private static Exchange.Target target(RegistryHost host, URI realm, String uri) {
    boolean secure = "https".equals(realm.getScheme());
    Authority place = Authority.of(realm).orElseThrow();
    return new Exchange.Target(
        secure,
        place.host(),
        place.portOr(secure ? 443 : 80),
        uri,
        host.tls().withoutClients(),
        host.route());
  }

  private static String path(URI realm) {
    return realm.getRawPath() == null || realm.getRawPath().isEmpty() ? "/" : realm.getRawPath();
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
