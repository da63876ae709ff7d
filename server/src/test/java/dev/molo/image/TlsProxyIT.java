package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Patience;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.registry.Proxies;
import dev.molo.image.registry.RegistrySettings;
import dev.molo.linux.jnr.JnrLinux;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pulls and pushes through a proxy that is itself behind TLS, between molo and a docker-registry.
 * The proxy has an authority of its own.
 */
@Timeout(300)
final class TlsProxyIT {
  private static final String SECRET = "s3cret-pa55word";
  private static final String SHOWN =
      "proxy-authorization: basic "
          + Base64.getEncoder()
              .encodeToString(("user:" + SECRET).getBytes(StandardCharsets.UTF_8))
              .toLowerCase(Locale.ROOT);

  @TempDir Path directory;
  private TestStores stores;
  private ImageStore store;
  private TestRegistry plain;
  private RegistryProcess registry;
  private TestCertificates certificates;
  private TestCertificates.Pair authority;
  private TestCertificates.Pair proxyAuthority;
  private TunnelProxy proxy;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    TestStores.needsRegistry();
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/openssl")), "openssl is not installed");
    plain = TestRegistry.start(directory);
    byte[] noise = new byte[5 << 20];
    new Random(1).nextBytes(noise);
    plain.push(
        new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("noise", noise)).bytes()),
        "app",
        "v1");
    certificates = new TestCertificates(directory);
    authority = certificates.authority("ca");
    proxyAuthority = certificates.authority("proxy-ca");
    proxy = new TunnelProxy(certificates.issue("proxy", proxyAuthority).servers());
    TestCertificates.Pair server =
        certificates.issue("server", authority, "IP:127.0.0.1,DNS:registry.test");
    registry =
        RegistryProcess.start(
            directory,
            plain.storage(),
            "tls: {certificate: %s, key: %s}".formatted(server.certificate(), server.key()),
            "");
    open(Proxies.none());
  }

  private void open(Proxies proxies) {
    stores =
        new TestStores(
            directory, JnrLinux.fromProperties(), RegistrySettings.Limits.standard(), proxies);
    store = stores.start();
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
      proxy.close();
      registry.close();
      plain.close();
      assertThat(sockets()).isEmpty();
    }
  }

  private List<Path> sockets() throws IOException {
    Path folder = directory.resolve("proxies");
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (var entries = Files.list(folder)) {
      return entries.toList();
    }
  }

  private String proxyUrl() {
    return "https://user:" + SECRET + "@127.0.0.1:" + proxy.port();
  }

  private void hosts(String of, String server, TestCertificates.Pair... trusted)
      throws IOException {
    Path file = directory.resolve("certs.d/" + of.replace(':', '_') + "_/hosts.toml");
    Files.createDirectories(file.getParent());
    List<String> files =
        List.of(trusted).stream().map(pair -> "\"" + pair.certificate() + "\"").toList();
    Files.writeString(file, "server = \"" + server + "\"\nca = " + files + "\n");
  }

  private void throughProxy(String of, String server, TestCertificates.Pair... trusted)
      throws IOException {
    hosts(of, server, trusted);
    Path file = directory.resolve("certs.d/" + of.replace(':', '_') + "_/hosts.toml");
    Files.writeString(file, Files.readString(file) + "proxy = \"" + proxyUrl() + "\"\n");
  }

  private void throughProxy(TestCertificates.Pair... trusted) throws IOException {
    throughProxy(registry.address(), "https://" + registry.address(), trusted);
  }

  private Image pull() {
    return TestStores.pull(store, registry.address() + "/app:v1");
  }

  private void fails(String... words) {
    assertThatThrownBy(this::pull)
        .isInstanceOfSatisfying(
            FaultException.class,
            e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(Fault.UNAVAILABLE))
        .hasMessageContainingAll(words)
        .hasMessageContaining("proxy https://127.0.0.1:" + proxy.port() + ": ")
        .hasMessageNotContaining(SECRET);
  }

  private void heard(String... starts) {
    assertThat(proxy.heads())
        .isNotEmpty()
        .allSatisfy(head ->
            assertThat(head.toLowerCase(Locale.ROOT))
                .containsOnlyOnce(SHOWN)
                .containsOnlyOnce("\nhost: "));
    for (String start : starts) {
      assertThat(proxy.heads()).anyMatch(head -> head.startsWith(start));
    }
  }

  @Test
  void tunnelIsTakenByPullsAndPushes() throws Exception {
    throughProxy(authority, proxyAuthority);
    Image image = pull();
    heard("CONNECT " + registry.address() + " ");
    assertThat(Files.getPosixFilePermissions(directory.resolve("proxies")))
        .as("who may use the proxy through molo's sockets")
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    assertThat(sockets()).hasSize(1);
    var _ =
        store.push(
            new PushRequest(
                registry.address() + "/app:v1",
                Optional.of(registry.address() + "/other:v2"),
                Optional.empty(),
                RegistryAuth.anonymous()),
            Cancellation.create(),
            _ -> {});
    assertThat(TestStores.pull(store, registry.address() + "/other:v2").id()).isEqualTo(image.id());
    assertThat(proxy.heads()).allMatch(head -> head.startsWith("CONNECT " + registry.address()));
  }

  /** As HTTPS_PROXY and HTTP_PROXY say it; the proxy alone knows where the names are. */
  @Test
  void proxyOfTheEnvironmentIsTakenForBothSchemes() throws Exception {
    stores.close();
    open(Proxies.of(Map.of("HTTPS_PROXY", proxyUrl(), "HTTP_PROXY", proxyUrl())));
    proxy.resolves(
        name -> name.equals("registry.test:5000") ? registry.address() : plain.address());
    hosts("registry.test:5000", "https://registry.test:5000", authority, proxyAuthority);
    Image image = TestStores.pull(store, "registry.test:5000/app:v1");
    heard("CONNECT registry.test:5000 ");
    store.remove("registry.test:5000/app:v1");
    proxy.heads().clear();
    hosts("plain.test:5001", "http://plain.test:5001", proxyAuthority);
    assertThat(TestStores.pull(store, "plain.test:5001/app:v1").id()).isEqualTo(image.id());
    heard("GET http://plain.test:5001/v2/app/manifests/v1 ");
  }

  @Test
  void credentialsAreForAProxyThatShowsWhoItIs() throws Exception {
    throughProxy(authority);
    fails("TLS: ");
    try (TunnelProxy another =
        new TunnelProxy(
            certificates.issue("elsewhere", proxyAuthority, "DNS:elsewhere.test").servers())) {
      proxy.close();
      proxy = another;
      throughProxy(authority, proxyAuthority);
      fails("TLS: ");
    }
    assertThat(proxy.heads()).isEmpty();
  }

  @Test
  void whatTheProxySaysIsToldAndItsNameGiven() throws Exception {
    proxy.resolves(_ -> "407 Proxy Authentication Required");
    throughProxy(authority, proxyAuthority);
    fails("407 Proxy Authentication Required");
    throughProxy(registry.address(), "http://" + plain.address(), authority);
    fails("TLS: ");
    throughProxy(authority, proxyAuthority);
    proxy.close();
    fails("cannot connect");
  }

  @Test
  void hostBehindTheProxyIsJudgedAsEver() throws Exception {
    throughProxy(proxyAuthority);
    assertThatThrownBy(this::pull)
        .hasMessageContainingAll("https://" + registry.address(), "TLS: ")
        .hasMessageNotContaining("proxy https");
    assertThat(proxy.heads()).isNotEmpty();
  }

  @Test
  void cancellationEndsTheConnectionToTheProxy() throws Exception {
    throughProxy(authority, proxyAuthority);
    proxy.stalls();
    Cancellation cancellation = Cancellation.create();
    CompletableFuture<Image> pull =
        CompletableFuture.supplyAsync(
            () ->
                store.pull(
                    PullRequest.of(registry.address() + "/app:v1", RegistryAuth.anonymous()),
                    cancellation),
            task -> Thread.ofVirtual().start(task));
    proxy.awaitStalled();
    cancellation.cancel("pull");
    assertThatThrownBy(() -> Patience.result("the pull ends", pull))
        .hasMessageContaining("cancelled by the caller");
    proxy.awaitLeft();
  }
}
