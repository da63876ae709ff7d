package dev.molo.image;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Gives out the signed tokens that docker-registry believes (distribution, "Token Authentication
 * Specification"), to users it knows and to the holder of one refresh token.
 */
final class TokenServer implements AutoCloseable {
  static final String SERVICE = "molo-test";
  static final String ISSUER = "molo-test-issuer";
  private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final HttpServer server;
  private final PrivateKey key;
  private final String certificate;
  private final Set<String> basics = ConcurrentHashMap.newKeySet();
  private final String refresh;
  private volatile OptionalInt life = OptionalInt.empty();
  private volatile boolean empty;
  private final List<String> scopes = new CopyOnWriteArrayList<>();

  /**
   * Starts it.
   *
   * @param pair what the registry has as its rootcertbundle, and its key (EC, PKCS 8)
   */
  TokenServer(TestCertificates.Pair pair, String user, String password, String refresh)
      throws IOException {
    this.key = key(pair.key());
    this.certificate = pemBody(pair.certificate());
    this.refresh = refresh;
    know(user, password);
    InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    server = HttpServer.create(new InetSocketAddress(loopback, 0), 0);
    server.createContext("/token", this::handle);
    server.start();
  }

  String realm() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/token";
  }

  /** One more user. */
  void know(String user, String password) {
    byte[] both = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
    basics.add("Basic " + Base64.getEncoder().encodeToString(both));
  }

  /** What it says of how long a token is good; says nothing otherwise. */
  void lifeInSeconds(int seconds) {
    life = OptionalInt.of(seconds);
  }

  /** Whether its tokens are good for nothing from now on. */
  void givesEmptyTokens(boolean nowOn) {
    empty = nowOn;
  }

  /** What was asked for, in order. */
  List<String> scopes() {
    return scopes;
  }

  private static PrivateKey key(Path file) throws IOException {
    try {
      byte[] bytes = Base64.getMimeDecoder().decode(pemBody(file));
      return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(bytes));
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  private static String pemBody(Path file) throws IOException {
    return Files.readString(file).replaceAll("-----[^-]*-----|\\s", "");
  }

  private void handle(HttpExchange exchange) throws IOException {
    boolean post = exchange.getRequestMethod().equals("POST");
    byte[] body = exchange.getRequestBody().readAllBytes();
    Map<String, List<String>> form =
        form(
            post
                ? new String(body, StandardCharsets.UTF_8)
                : exchange.getRequestURI().getRawQuery());
    Map<String, String> asked = new TreeMap<>();
    form.forEach((name, values) -> asked.put(name, String.join(" ", values)));
    boolean known =
        post
            ? refresh.equals(asked.get("refresh_token"))
                && "refresh_token".equals(asked.get("grant_type"))
            : basics.contains(
                exchange.getRequestHeaders().getOrDefault("Authorization", List.of("")).getFirst());
    scopes.add(asked.getOrDefault("scope", ""));
    String answer =
        known && SERVICE.equals(asked.get("service"))
            ? answer(token(asked.get("scope")))
            : "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"I do not know you\"}]}";
    byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(known ? 200 : 401, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private String answer(String token) {
    ObjectNode answer = MAPPER.createObjectNode().put("token", token);
    life.ifPresent(seconds -> answer.put("expires_in", seconds));
    return answer.toString();
  }

  private static Map<String, List<String>> form(String text) {
    Map<String, List<String>> form = new TreeMap<>();
    for (String part : text.split("&")) {
      int equals = part.indexOf('=');
      form.computeIfAbsent(part.substring(0, equals), _ -> new ArrayList<>())
          .add(URLDecoder.decode(part.substring(equals + 1), StandardCharsets.UTF_8));
    }
    return form;
  }

  private String token(String scope) throws IOException {
    ObjectNode header = MAPPER.createObjectNode().put("typ", "JWT").put("alg", "ES256");
    header.putArray("x5c").add(certificate);
    long now = Instant.now().getEpochSecond();
    ObjectNode claims =
        MAPPER
            .createObjectNode()
            .put("iss", ISSUER)
            .put("sub", "user")
            .put("aud", SERVICE)
            .put("iat", now)
            .put("nbf", now - 60)
            .put("exp", now + 300)
            .put("jti", UUID.randomUUID().toString());
    ArrayNode granted = claims.putArray("access");
    for (String one : empty ? new String[0] : scope.split(" ")) {
      String[] parts = one.split(":");
      ObjectNode access = granted.addObject().put("type", parts[0]).put("name", parts[1]);
      ArrayNode actions = access.putArray("actions");
      List.of(parts[2].split(",")).forEach(actions::add);
    }
    String signed = part(header) + "." + part(claims);
    try {
      Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
      signature.initSign(key);
      signature.update(signed.getBytes(StandardCharsets.US_ASCII));
      return signed + "." + BASE64.encodeToString(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  private static String part(ObjectNode json) {
    return BASE64.encodeToString(json.toString().getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
