package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import javax.net.ServerSocketFactory;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pulls from docker-registries that want to know who comes, and show who they are. */
final class SecuredRegistryIT {
  private static final String SECRET = "s3cret-pa55word";

  /** bcrypt of {@link #SECRET}, as htpasswd writes it. */
  private static final String HTPASSWD =
      "user:$2b$04$R0Zh6uHLk/V9aPQfagMqVecoxysIN73jHshxcUYtbxhO9HrfYZAM6\n";

  private static final RegistryAuth BASIC = new RegistryAuth.Basic("user", SECRET);

  @TempDir Path directory;
  private TestStores stores;
  private TestRegistry registry;
  private ImageStore store;
  private TestCertificates certificates;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    TestStores.needsRegistry();
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/openssl")), "openssl is not installed");
    registry = TestRegistry.start(directory);
    registry.push(
        new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("hello", "world")).bytes()),
        "app",
        "v1");
    certificates = new TestCertificates(directory);
    stores = new TestStores(directory);
    store = stores.start();
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
      registry.close();
    }
  }

  private RegistryProcess secured(String http, String auth)
      throws IOException, InterruptedException {
    return secured(registry.storage(), http, auth);
  }

  /** A second registry, of what another one has or of nothing yet. */
  private RegistryProcess secured(Path storage, String http, String auth)
      throws IOException, InterruptedException {
    return RegistryProcess.start(directory, storage, http, auth.isEmpty() ? "" : "auth: " + auth);
  }

  private void hosts(RegistryProcess of, String more) throws IOException {
    Path file = directory.resolve("certs.d/127.0.0.1_" + of.port() + "_/hosts.toml");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "server = \"https://" + of.address() + "\"\n" + more + "\n");
  }

  private Image pull(RegistryProcess from, RegistryAuth auth) {
    return TestStores.pull(store, from.address() + "/app:v1", auth);
  }

  private void fails(RegistryProcess from, RegistryAuth auth, Fault kind, String... words) {
    assertThatThrownBy(() -> pull(from, auth))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind))
        .hasMessageContainingAll(words)
        .hasMessageNotContaining(SECRET);
  }

  private static String tls(TestCertificates.Pair pair, String more) {
    return "tls: {certificate: %s, key: %s%s}".formatted(pair.certificate(), pair.key(), more);
  }

  @Test
  void serverIsTrustedByItsAuthority() throws Exception {
    TestCertificates.Pair authority = certificates.authority("ca");
    try (RegistryProcess tls = secured(tls(certificates.issue("server", authority), ""), "")) {
      hosts(tls, "");
      fails(tls, RegistryAuth.anonymous(), Fault.UNAVAILABLE, "https://" + tls.address(), "TLS");
      hosts(tls, "ca = \"" + certificates.authority("other").certificate() + "\"");
      fails(tls, RegistryAuth.anonymous(), Fault.UNAVAILABLE, "TLS");
      hosts(tls, "skip_verify = true");
      pull(tls, RegistryAuth.anonymous());
      store.remove(tls.address() + "/app:v1");
      hosts(tls, "ca = [\"" + authority.certificate() + "\"]");
      assertThat(pull(tls, RegistryAuth.anonymous()).repoTags())
          .contains(tls.address() + "/app:v1");
    }
  }

  @Test
  void certificateOfAnotherNameIsRefused() throws Exception {
    TestCertificates.Pair authority = certificates.authority("ca");
    TestCertificates.Pair other =
        certificates.issue("server", authority, "DNS:registry.example,IP:127.0.0.2");
    try (RegistryProcess tls = secured(tls(other, ""), "")) {
      hosts(tls, "ca = \"" + authority.certificate() + "\"");
      fails(tls, RegistryAuth.anonymous(), Fault.UNAVAILABLE, "TLS", "127.0.0.1");
    }
  }

  /** As people write it who follow containerd's pages: no server, and the registry as its host. */
  @Test
  void registryAmongItsOwnHostsIsShownTheCredentials() throws Exception {
    TestCertificates.Pair authority = certificates.authority("ca");
    Path htpasswd = Files.writeString(directory.resolve("htpasswd"), HTPASSWD);
    try (RegistryProcess basic =
        secured(
            tls(certificates.issue("server", authority), ""),
            "{htpasswd: {realm: molo, path: %s}}".formatted(htpasswd))) {
      hosts(
          basic,
          "[host.\"https://%s\"]\n capabilities = [\"pull\", \"resolve\"]\n ca = \"%s\""
              .formatted(basic.address(), authority.certificate()));
      pull(basic, BASIC);
      assertThatThrownBy(() -> TestStores.pull(store, basic.address() + "/app:none", BASIC))
          .as("the server, which has no ca, is not asked the same again")
          .isInstanceOfSatisfying(
              FaultException.class,
              e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(Fault.NOT_FOUND));
    }
  }

  @Test
  void clientCertificateIsShown() throws Exception {
    TestCertificates.Pair authority = certificates.authority("ca");
    TestCertificates.Pair client = certificates.issue("client", authority);
    String wanted = ", clientcas: [" + authority.certificate() + "]";
    try (RegistryProcess tls = secured(tls(certificates.issue("server", authority), wanted), "")) {
      String ca = "ca = \"" + authority.certificate() + "\"\n";
      hosts(tls, ca);
      fails(tls, RegistryAuth.anonymous(), Fault.UNAVAILABLE, tls.address());
      hosts(tls, ca + "client = [[\"" + client.certificate() + "\", \"" + client.key() + "\"]]");
      pull(tls, RegistryAuth.anonymous());
    }
  }

  @Test
  void tunnelThroughAProxyIsTaken() throws Exception {
    TestCertificates.Pair authority = certificates.authority("ca");
    try (RegistryProcess tls = secured(tls(certificates.issue("server", authority), ""), "");
        TunnelProxy proxy = new TunnelProxy()) {
      hosts(
          tls,
          "ca = \""
              + authority.certificate()
              + "\"\nproxy = \"http://user:"
              + SECRET
              + "@127.0.0.1:"
              + proxy.port()
              + "\"");
      pull(tls, RegistryAuth.anonymous());
      assertThat(proxy.heads())
          .isNotEmpty()
          .allMatch(head -> head.startsWith("CONNECT " + tls.address()))
          .allMatch(head -> head.toLowerCase(Locale.ROOT).contains("proxy-authorization"));
    }
  }

  /** Plain http is asked of the proxy with its whole URL, and errors name who did not answer. */
  @Test
  void proxyIsTakenForPlainHttpToo() throws Exception {
    int port;
    try (TunnelProxy proxy = new TunnelProxy()) {
      port = proxy.port();
      Path file = directory.resolve("certs.d/plain.test_80_/hosts.toml");
      Files.createDirectories(file.getParent());
      Files.writeString(
          file,
          "server = \"http://plain.test\"\nproxy = \"http://user:%s@127.0.0.1:%d\"\n"
              .formatted(SECRET, proxy.port()));
      proxy.resolves(_ -> registry.address());
      TestStores.pull(store, "plain.test:80/app:v1");
      assertThat(proxy.heads())
          .isNotEmpty()
          .allMatch(head -> head.startsWith("GET http://plain.test"))
          .allMatch(head -> head.toLowerCase(Locale.ROOT).contains("proxy-authorization: basic "));
    }
    store.remove("plain.test:80/app:v1");
    assertThatThrownBy(() -> TestStores.pull(store, "plain.test:80/app:v1"))
        .hasMessageContaining("http://plain.test/v2/app/manifests/v1: proxy http://127.0.0.1:")
        .hasMessageContaining(port + ": cannot connect")
        .hasMessageNotContaining(SECRET);
  }

  @Test
  void tunnelThatIsRefusedIsToldWithTheProxysName() throws Exception {
    try (TunnelProxy proxy = new TunnelProxy()) {
      proxy.resolves(_ -> "407 Proxy Authentication Required");
      Path file = directory.resolve("certs.d/secure.test/hosts.toml");
      Files.createDirectories(file.getParent());
      Files.writeString(
          file, "proxy = \"http://user:%s@127.0.0.1:%d\"\n".formatted(SECRET, proxy.port()));
      assertThatThrownBy(() -> TestStores.pull(store, "secure.test/app:v1"))
          .hasMessageContaining(
              "https://secure.test/v2/app/manifests/v1: proxy http://127.0.0.1:" + proxy.port())
          .hasMessageContaining("407")
          .hasMessageNotContaining(SECRET);
    }
  }

  @Test
  void socksProxyIsTaken() throws Exception {
    TestCertificates.Pair authority = certificates.authority("ca");
    try (RegistryProcess tls = secured(tls(certificates.issue("server", authority), ""), "");
        SocksProxy proxy = new SocksProxy("user", SECRET)) {
      String ca = "ca = \"" + authority.certificate() + "\"\nproxy = \"socks5://user:%s@%s\"";
      hosts(tls, ca.formatted("wrong", proxy.address()));
      fails(tls, RegistryAuth.anonymous(), Fault.UNAVAILABLE, tls.address());
      assertThat(proxy.targets()).isEmpty();
      hosts(tls, ca.formatted(SECRET, proxy.address()));
      pull(tls, RegistryAuth.anonymous());
      assertThat(proxy.targets()).isNotEmpty().containsOnly(tls.address());
    }
  }

  @Test
  void passwordFileIsSatisfiedByTheRequestAndByTheNode() throws Exception {
    Path htpasswd = directory.resolve("htpasswd");
    Files.writeString(htpasswd, HTPASSWD);
    try (RegistryProcess basic =
        secured("", "{htpasswd: {realm: molo, path: %s}}".formatted(htpasswd))) {
      fails(
          basic,
          RegistryAuth.anonymous(),
          Fault.UNAUTHENTICATED,
          "/v2/app/manifests/v1",
          "401",
          "credentials: none");
      fails(
          basic,
          new RegistryAuth.Basic("user", "wrong"),
          Fault.UNAUTHENTICATED,
          "credentials: the request");
      pull(basic, BASIC);
      store.remove(basic.address() + "/app:v1");
      Files.writeString(
          directory.resolve("config.json"),
          "{\"auths\": {\"%s\": {\"username\": \"user\", \"password\": \"%s\"}}}"
              .formatted(basic.address(), SECRET));
      pull(basic, RegistryAuth.anonymous());
      assertThat(
              store
                  .explain(
                      PullRequest.of(basic.address() + "/app:v1", RegistryAuth.anonymous()),
                      Cancellation.create())
                  .toString())
          .contains("config.json")
          .doesNotContain(SECRET);
    }
  }

  private TokenServer tokenServer(TestCertificates.Pair signer) throws IOException {
    return new TokenServer(signer, "user", SECRET, SECRET + "-refresh");
  }

  private static String bearer(TokenServer tokens, TestCertificates.Pair signer) {
    return "{token: {realm: \"%s\", service: %s, issuer: %s, rootcertbundle: %s}}"
        .formatted(tokens.realm(), TokenServer.SERVICE, TokenServer.ISSUER, signer.certificate());
  }

  @Test
  void tokenServerIsAskedForOneRepository() throws Exception {
    TestCertificates.Pair signer = certificates.authority("signer");
    try (TokenServer tokens = tokenServer(signer);
        RegistryProcess bearer = secured("", bearer(tokens, signer))) {
      fails(
          bearer,
          RegistryAuth.anonymous(),
          Fault.UNAUTHENTICATED,
          "token server",
          tokens.realm(),
          "I do not know you");
      pull(bearer, BASIC);
      assertThat(tokens.scopes()).last().isEqualTo("repository:app:pull");
      int asked = tokens.scopes().size();
      store.remove(bearer.address() + "/app:v1");
      pull(bearer, new RegistryAuth.IdentityToken(SECRET + "-refresh"));
      assertThat(tokens.scopes()).hasSize(asked + 1);
      fails(
          bearer,
          new RegistryAuth.IdentityToken("another"),
          Fault.UNAUTHENTICATED,
          "token server",
          "I do not know you");
    }
  }

  @Test
  void tokenServerThatIsLessProtectedThanItsRegistryHearsNothing() throws Exception {
    TestCertificates.Pair authority = certificates.authority("ca");
    TestCertificates.Pair signer = certificates.authority("signer");
    try (TokenServer tokens = tokenServer(signer);
        RegistryProcess bearer =
            secured(tls(certificates.issue("server", authority), ""), bearer(tokens, signer))) {
      hosts(bearer, "ca = \"" + authority.certificate() + "\"");
      fails(bearer, BASIC, Fault.INTERNAL, "the token server it names is not behind https");
      assertThat(tokens.scopes()).isEmpty();
    }
  }

  @Test
  void redirectDoesNotLeadOutOfTls() throws Exception {
    TestCertificates.Pair authority = certificates.authority("ca");
    try (RedirectingServer server =
        new RedirectingServer(
            certificates.issue("server", authority).servers(),
            "http://" + registry.address() + "/v2/app/manifests/v1")) {
      String address = "127.0.0.1:" + server.port();
      Path file = directory.resolve("certs.d/127.0.0.1_" + server.port() + "_/hosts.toml");
      Files.createDirectories(file.getParent());
      Files.writeString(
          file,
          "server = \"https://%s\"\nca = \"%s\"\n".formatted(address, authority.certificate()));
      assertThatThrownBy(() -> TestStores.pull(store, address + "/app:v1", BASIC))
          .hasMessageContaining("it redirects from https to http (http://" + registry.address());
    }
  }

  /** Sends whoever comes somewhere else. */
  private static final class RedirectingServer extends LoopbackProxy {
    private final String location;

    RedirectingServer(ServerSocketFactory sockets, String location) throws IOException {
      super(sockets);
      this.location = location;
      start();
    }

    @Override
    void serve(Socket client) throws IOException {
      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.isEmpty()) {
          client
              .getOutputStream()
              .write(
                  "HTTP/1.1 307 There\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
                      .formatted(location)
                      .getBytes(StandardCharsets.US_ASCII));
          client.getOutputStream().flush();
        }
      }
    }
  }

  @Test
  void tokenIsUsedAgainByTheNextPullOfTheSameAndOfNobodyElse() throws Exception {
    TestCertificates.Pair signer = certificates.authority("signer");
    try (TokenServer tokens = tokenServer(signer);
        RegistryProcess bearer = secured("", bearer(tokens, signer))) {
      pull(bearer, BASIC);
      assertThat(tokens.scopes()).hasSize(1);
      store.remove(bearer.address() + "/app:v1");
      pull(bearer, BASIC);
      assertThat(tokens.scopes()).as("asked once for two pulls").hasSize(1);
      fails(bearer, new RegistryAuth.Basic("user", "wrong"), Fault.UNAUTHENTICATED, "token server");
      fails(bearer, RegistryAuth.anonymous(), Fault.UNAUTHENTICATED, "token server");
      int asked = tokens.scopes().size();
      tokens.know("other", SECRET);
      pull(bearer, new RegistryAuth.Basic("other", SECRET));
      assertThat(tokens.scopes()).hasSize(asked + 1);
    }
  }

  @Test
  void tokenThatDoesNotLastIsAskedForAgain() throws Exception {
    TestCertificates.Pair signer = certificates.authority("signer");
    try (TokenServer tokens = tokenServer(signer);
        RegistryProcess bearer = secured("", bearer(tokens, signer))) {
      tokens.lifeInSeconds(1);
      pull(bearer, BASIC);
      pull(bearer, BASIC);
      assertThat(tokens.scopes()).hasSize(2);
    }
  }

  @Test
  void refusedTokenIsFetchedAnew() throws Exception {
    TestCertificates.Pair signer = certificates.authority("signer");
    try (TokenServer tokens = tokenServer(signer);
        RegistryProcess bearer = secured("", bearer(tokens, signer))) {
      tokens.givesEmptyTokens(true);
      fails(bearer, BASIC, Fault.UNAUTHENTICATED, "401");
      int asked = tokens.scopes().size();
      tokens.givesEmptyTokens(false);
      pull(bearer, BASIC);
      assertThat(tokens.scopes()).as("the kept one was refused").hasSize(asked + 1);
    }
  }

  private PushedImage push(String to, RegistryAuth auth) {
    return store.push(
        new PushRequest(registry.address() + "/app:v1", Optional.of(to), Optional.empty(), auth),
        Cancellation.create(),
        _ -> {});
  }

  private void pushFails(String to, RegistryAuth auth, String... words) {
    assertThatThrownBy(() -> push(to, auth))
        .isInstanceOfSatisfying(
            FaultException.class,
            e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(Fault.UNAUTHENTICATED))
        .hasMessageContainingAll(words)
        .hasMessageNotContaining(SECRET);
  }

  private Image pulledHere() {
    return TestStores.pull(store, registry.address() + "/app:v1");
  }

  @Test
  void pushSatisfiesAPasswordFileBehindTls() throws Exception {
    Image image = pulledHere();
    TestCertificates.Pair authority = certificates.authority("ca");
    Path htpasswd = Files.writeString(directory.resolve("htpasswd"), HTPASSWD);
    try (RegistryProcess basic =
        secured(
            directory.resolve("pushed"),
            tls(certificates.issue("server", authority), ""),
            "{htpasswd: {realm: molo, path: %s}}".formatted(htpasswd))) {
      hosts(basic, "ca = \"" + authority.certificate() + "\"");
      String target = basic.address() + "/team/app:v2";
      pushFails(target, RegistryAuth.anonymous(), "push " + target, "401", "credentials: none");
      pushFails(target, new RegistryAuth.Basic("user", "wrong"), "credentials: the request");
      assertThat(push(target, BASIC).image().sameManifest()).isTrue();
      assertThat(TestStores.pull(store, target, BASIC).id()).isEqualTo(image.id());
      Files.writeString(
          directory.resolve("config.json"),
          "{\"auths\": {\"%s\": {\"username\": \"user\", \"password\": \"%s\"}}}"
              .formatted(basic.address(), SECRET));
      push(basic.address() + "/team/app:v3", RegistryAuth.anonymous());
    }
  }

  @Test
  void pushAsksForATokenThatMayPushAndMount() throws Exception {
    Image image = pulledHere();
    TestCertificates.Pair signer = certificates.authority("signer");
    try (TokenServer tokens = tokenServer(signer);
        RegistryProcess bearer = secured(directory.resolve("pushed"), "", bearer(tokens, signer))) {
      String target = bearer.address() + "/team/app:v2";
      pushFails(target, RegistryAuth.anonymous(), "token server", "I do not know you");
      push(target, BASIC);
      assertThat(tokens.scopes())
          .last(InstanceOfAssertFactories.STRING)
          .startsWith("repository:team/app:")
          .contains("push", "pull");
      assertThat(TestStores.pull(store, target, BASIC).id()).isEqualTo(image.id());

      PushedImage copy = push(bearer.address() + "/other/app:v1", BASIC);
      assertThat(copy.layers())
          .extracting(PushedLayer::stage)
          .containsOnly(PushedLayer.Stage.MOUNTED);
      assertThat(tokens.scopes())
          .anyMatch(scope ->
              scope.contains("repository:other/app:")
                  && scope.contains("repository:team/app:pull"));
      push(bearer.address() + "/other/app:v2", BASIC);
      int asked = tokens.scopes().size();
      push(bearer.address() + "/other/app:v3", BASIC);
      assertThat(tokens.scopes()).as("what was asked for before is still good").hasSize(asked);
    }
  }
}
