package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.Patience;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.Reference;
import dev.molo.image.RegistryAuth;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.MediaTypes;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledHeapByteBuf;
import io.vertx.core.Vertx;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Registries, mirrors, token servers and storage hosts that misbehave, on loopback. */
final class RegistrySessionIT {
  private static final String SECRET = "s3cret-pa55word";
  private static final RegistryAuth BASIC = new RegistryAuth.Basic("user", SECRET);
  private static final byte[] MANIFEST =
      "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
  private static final byte[] BLOB = new byte[3_000_000];

  static {
    new Random(1).nextBytes(BLOB);
  }

  @TempDir Path certs;
  private Vertx vertx;
  private ScriptedRegistry registry;
  private ScriptedRegistry other;
  private RegistryClient client;

  @BeforeEach
  void start() throws IOException {
    vertx = Vertx.vertx();
    registry = new ScriptedRegistry();
    other = new ScriptedRegistry();
    client = client(Duration.ofSeconds(20));
    registry.on("/v2/app/manifests/v1", e -> ScriptedRegistry.reply(e, 200, MANIFEST));
    registry.on(blobPath(), e -> ScriptedRegistry.reply(e, 200, BLOB));
  }

  private RegistryClient client(Duration idle) {
    RegistrySettings settings =
        new RegistrySettings(
            List.of(certs),
            Set.of(),
            List.of(),
            "molo-test",
            new RegistrySettings.Limits(Duration.ofSeconds(5), idle, 4096, 3, 3),
            Proxies.none());
    return new RegistryClient(vertx, settings, certs.resolve("proxies"));
  }

  @AfterEach
  void stop() throws Exception {
    client.close();
    registry.close();
    other.close();
    vertx.close().await(60, TimeUnit.SECONDS);
  }

  private static Descriptor blob() {
    return Descriptor.of(MediaTypes.OCI_CONFIG, Digest.ofBytes(BLOB), BLOB.length);
  }

  private static String blobPath() {
    return "/v2/app/blobs/" + Digest.ofBytes(BLOB);
  }

  private RegistrySession session(RegistryAuth auth) {
    return client.open(
        Reference.parse(registry.address() + "/app:v1"), auth, Cancellation.create());
  }

  private Fetched manifest(RegistryAuth auth) {
    return session(auth).manifest(Cancellation.create());
  }

  private static byte[] read(RegistrySession session) throws IOException {
    try (InputStream in = session.open(blob(), Cancellation.create())) {
      return in.readAllBytes();
    }
  }

  private static void fails(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, Fault kind, String... words) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind))
        .hasMessageContainingAll(words)
        .satisfies(e -> assertThat(stackTrace(e)).doesNotContain(SECRET));
  }

  private static String stackTrace(Throwable e) {
    StringWriter text = new StringWriter();
    e.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  private void protect(String path, byte[] content, String challenge, String wanted) {
    registry.on(
        path,
        e -> {
          if (wanted.equals(e.getRequestHeaders().getFirst("Authorization"))) {
            ScriptedRegistry.reply(e, 200, content);
            return;
          }
          e.getResponseHeaders().add("WWW-Authenticate", challenge);
          ScriptedRegistry.reply(
              e,
              401,
              "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\"}]}");
        });
  }

  @Test
  void basicCredentialsAreShownWhenAskedFor() {
    protect(
        "/v2/app/manifests/v1",
        MANIFEST,
        "Basic realm=\"x\"",
        "Basic dXNlcjpzM2NyZXQtcGE1NXdvcmQ=");
    assertThat(manifest(BASIC).digest()).isEqualTo(Digest.ofBytes(MANIFEST));
    assertThat(registry.asked().getFirst().header("Authorization")).isEmpty();
    fails(
        () -> manifest(RegistryAuth.anonymous()),
        Fault.UNAUTHENTICATED,
        registry.address(),
        "401",
        "authentication required");
    fails(
        () -> manifest(new RegistryAuth.Basic("user", SECRET + "x")), Fault.UNAUTHENTICATED, "401");
  }

  @Test
  void tokenIsFetchedOnceWithScopeAndService() throws IOException {
    String challenge =
        "Bearer realm=\""
            + other.url("/token")
            + "\",service=\"svc\",scope=\"repository:app:pull\"";
    protect("/v2/app/manifests/v1", MANIFEST, challenge, "Bearer t0k");
    protect(blobPath(), BLOB, challenge, "Bearer t0k");
    other.on("/token", e -> ScriptedRegistry.reply(e, 200, "{\"access_token\":\"t0k\"}"));
    RegistrySession session = session(BASIC);
    session.manifest(Cancellation.create());
    assertThat(read(session)).isEqualTo(BLOB);
    assertThat(other.asked()).hasSize(1);
    assertThat(other.asked().getFirst().query())
        .contains("scope=repository:app:pull", "service=svc");
    assertThat(other.asked().getFirst().header("Authorization")).startsWith("Basic ");
  }

  @Test
  void tokenServerThatClosedAConnectionIsAskedOnceMore() {
    protect(
        "/v2/app/manifests/v1",
        MANIFEST,
        "Bearer realm=\"" + other.url("/token") + "\"",
        "Bearer t0k");
    AtomicInteger requests = new AtomicInteger();
    other.on(
        "/token",
        e -> {
          if (requests.incrementAndGet() == 1) {
            // The connection goes, without an answer.
            e.close();
          } else {
            ScriptedRegistry.reply(e, 200, "{\"token\":\"t0k\"}");
          }
        });
    assertThat(manifest(BASIC).digest()).isEqualTo(Digest.ofBytes(MANIFEST));
    assertThat(requests).hasValue(2);
  }

  @Test
  void tokenServerThatIsBusyIsAskedAgain() throws IOException {
    String challenge = "Bearer realm=\"" + other.url("/token") + "\"";
    protect("/v2/app/manifests/v1", MANIFEST, challenge, "Bearer t0k");
    AtomicInteger requests = new AtomicInteger();
    other.on(
        "/token",
        e -> {
          int n = requests.incrementAndGet();
          e.getResponseHeaders().add("Retry-After", "0");
          ScriptedRegistry.reply(
              e, n < 2 ? 429 : n == 2 ? 503 : 200, n < 3 ? "busy" : "{\"token\":\"t0k\"}");
        });
    assertThat(manifest(BASIC).digest()).isEqualTo(Digest.ofBytes(MANIFEST));
    assertThat(requests).hasValue(3);

    requests.set(-100);
    fails(
        () -> manifest(new RegistryAuth.Basic("another", SECRET)),
        Fault.UNAVAILABLE,
        "token server",
        "429 busy");
    assertThat(requests).as("as often as anything else").hasValue(-97);

    mirror("[host.\"" + other.url("") + "\"]\n");
    protect("/v2/app/manifests/v1", MANIFEST, challenge, "Bearer t0k");
    other.on(
        "/v2/app/manifests/v1",
        e -> {
          e.getResponseHeaders().add("WWW-Authenticate", challenge);
          ScriptedRegistry.reply(e, 401, "");
        });
    requests.set(0);
    assertThat(manifest(BASIC).servedBy()).startsWith(registry.url(""));
    assertThat(other.asked("/token").stream().filter(a -> a.header("Authorization").isEmpty()))
        .as("a mirror's is asked once")
        .hasSize(1);
  }

  @Test
  void identityTokenIsExchangedAndRegistryTokenSentAsItIs() {
    protect(
        "/v2/app/manifests/v1",
        MANIFEST,
        "Bearer realm=\"" + other.url("/token") + "\"",
        "Bearer t0k");
    other.on("/token", e -> ScriptedRegistry.reply(e, 200, "{\"token\":\"t0k\"}"));
    manifest(new RegistryAuth.IdentityToken(SECRET));
    assertThat(other.asked().getFirst().method()).isEqualTo("POST");
    assertThat(other.asked().getFirst().body())
        .contains("grant_type=refresh_token", "refresh_token=" + SECRET);
    manifest(new RegistryAuth.RegistryToken("t0k"));
    assertThat(other.asked()).hasSize(1);
    other.on("/token", ScriptedRegistry.redirect(registry.url("/elsewhere")));
    fails(
        () -> manifest(new RegistryAuth.IdentityToken(SECRET + "2")),
        Fault.UNAVAILABLE,
        "redirects a request that holds a secret");
  }

  @Test
  void tokenServersRefusalIsUnauthenticated() {
    protect(
        "/v2/app/manifests/v1",
        MANIFEST,
        "Bearer realm=\"" + other.url("/token") + "\"",
        "Bearer t0k");
    other.on("/token", e -> ScriptedRegistry.reply(e, 403, "bad password"));
    fails(
        () -> manifest(BASIC),
        Fault.UNAUTHENTICATED,
        "token server",
        other.address(),
        "403",
        "bad password");
    other.on("/token", e -> ScriptedRegistry.reply(e, 200, "{\"token\":\"" + SECRET));
    fails(() -> manifest(BASIC), Fault.UNAVAILABLE, "token server", "not JSON");
  }

  @Test
  void credentialsDoNotFollowARedirectToAnotherHost() throws IOException {
    protect(
        "/v2/app/manifests/v1", MANIFEST, "Basic realm=x", "Basic dXNlcjpzM2NyZXQtcGE1NXdvcmQ=");
    registry.on(blobPath(), ScriptedRegistry.redirect(other.url("/storage?signature=abc")));
    other.on("/storage", e -> ScriptedRegistry.reply(e, 200, BLOB));
    RegistrySession session = session(BASIC);
    session.manifest(Cancellation.create());
    assertThat(read(session)).isEqualTo(BLOB);
    assertThat(registry.asked(blobPath()).getFirst().header("Authorization")).startsWith("Basic ");
    assertThat(other.asked().getFirst().header("Authorization")).isEmpty();
    assertThat(other.asked().getFirst().query()).isEqualTo("signature=abc");
    other.on("/storage", e -> ScriptedRegistry.reply(e, 403, "expired"));
    assertThatThrownBy(() -> read(session))
        .hasMessageContaining("403 expired")
        .hasMessageNotContaining("signature");
  }

  @Test
  void hostOfARedirectHasNoSayInWhereCredentialsGo() {
    String elsewhere = "Bearer realm=\"" + other.url("/token") + "\",service=\"s\"";
    registry.on("/v2/app/manifests/v1", ScriptedRegistry.redirect(other.url("/storage")));
    other.on("/token", e -> ScriptedRegistry.reply(e, 200, "{\"token\":\"t0k\"}"));
    other.on(
        "/storage",
        e -> {
          e.getResponseHeaders().add("WWW-Authenticate", elsewhere);
          ScriptedRegistry.reply(e, 401, "who are you?");
        });
    for (RegistryAuth auth : List.of(BASIC, new RegistryAuth.IdentityToken(SECRET))) {
      fails(() -> manifest(auth), Fault.UNAUTHENTICATED, other.address(), "401", "who are you?");
    }
    assertThat(other.asked("/token")).isEmpty();
  }

  @Test
  void registryThatRepeatsWhatItHeardGivesNoSecretAway() {
    String encoded = "dXNlcjpzM2NyZXQtcGE1NXdvcmQ=";
    registry.on(
        "/v2/app/manifests/v1",
        e -> {
          String heard = e.getRequestHeaders().getFirst("Authorization");
          e.getResponseHeaders().add("WWW-Authenticate", "Basic realm=x");
          ScriptedRegistry.reply(
              e, heard == null ? 401 : 403, "Authorization: " + heard + " is user:" + SECRET + "!");
        });
    fails(() -> manifest(BASIC), Fault.PERMISSION_DENIED, "403 Authorization: Basic … is user:…!");
    assertThatThrownBy(() -> manifest(BASIC))
        .satisfies(e -> assertThat(stackTrace(e)).doesNotContain(encoded));
    fails(
        () -> manifest(new RegistryAuth.RegistryToken(SECRET)),
        Fault.PERMISSION_DENIED,
        "403 Authorization: Bearer … is");

    String awkward = SECRET + "/+ =";
    registry.on(
        "/v2/app/manifests/v1",
        e -> {
          e.getResponseHeaders()
              .add("WWW-Authenticate", "Bearer realm=\"" + other.url("/t") + "\"");
          ScriptedRegistry.reply(e, 401, "");
        });
    other.on(
        "/t",
        e ->
            ScriptedRegistry.reply(
                e, 400, "bad " + awkward + " in " + other.asked("/t").getLast().body()));
    fails(
        () -> manifest(new RegistryAuth.IdentityToken(awkward)),
        Fault.UNAUTHENTICATED,
        "400 bad … in grant_type=refresh_token",
        "refresh_token=…");
  }

  @Test
  void redirectsWithoutEndAreRefused() {
    registry.on("/v2/app/manifests/v1", ScriptedRegistry.redirect("/v2/app/manifests/v1"));
    fails(() -> manifest(BASIC), Fault.UNAVAILABLE, "redirects more than");
  }

  @Test
  void brokenConnectionIsResumedWhereItBroke() throws IOException {
    AtomicInteger requests = new AtomicInteger();
    registry.on(
        blobPath(),
        e -> {
          String range = e.getRequestHeaders().getFirst("Range");
          int from = range == null ? 0 : Integer.parseInt(range.replaceAll("[^0-9]", ""));
          e.sendResponseHeaders(from == 0 ? 200 : 206, BLOB.length - from);
          int end =
              requests.incrementAndGet() < 4 ? Math.min(BLOB.length, from + 700_000) : BLOB.length;
          e.getResponseBody().write(BLOB, from, end - from);
          e.getResponseBody().flush();
          e.close();
        });
    assertThat(read(session(BASIC))).isEqualTo(BLOB);
    assertThat(requests).hasValueGreaterThan(1);
  }

  @Test
  void serverWithoutRangesIsReadAgain() throws IOException {
    AtomicInteger requests = new AtomicInteger();
    registry.on(
        blobPath(),
        e -> {
          e.sendResponseHeaders(200, BLOB.length);
          e.getResponseBody()
              .write(BLOB, 0, requests.incrementAndGet() == 1 ? 500_000 : BLOB.length);
          e.close();
        });
    assertThat(read(session(BASIC))).isEqualTo(BLOB);
    assertThat(requests).hasValue(2);
  }

  @Test
  void connectionThatAlwaysBreaksEndsUnavailable() {
    registry.on(
        blobPath(),
        e -> {
          e.sendResponseHeaders(200, BLOB.length);
          e.getResponseBody().write(BLOB, 0, 10);
          e.getResponseBody().flush();
          e.close();
        });
    fails(() -> read(session(BASIC)), Fault.UNAVAILABLE, "broke 3 times");
  }

  @Test
  void busyRegistryIsAskedAgain() {
    AtomicInteger requests = new AtomicInteger();
    registry.on(
        "/v2/app/manifests/v1",
        e -> {
          int n = requests.incrementAndGet();
          e.getResponseHeaders().add("Retry-After", "0");
          ScriptedRegistry.reply(
              e,
              n < 2 ? 429 : n == 2 ? 503 : 200,
              n < 3 ? "busy".getBytes(StandardCharsets.UTF_8) : MANIFEST);
        });
    assertThat(manifest(BASIC).digest()).isEqualTo(Digest.ofBytes(MANIFEST));
    requests.set(-100);
    fails(() -> manifest(BASIC), Fault.UNAVAILABLE, "429 busy");
    assertThatThrownBy(() -> manifest(BASIC))
        .isInstanceOfSatisfying(
            FaultException.class,
            e -> assertThat(e.reason()).contains(ReasonWord.RegistryUnavailable));
  }

  @Test
  void statusesBecomeFaults() {
    registry.on(
        "/v2/app/manifests/v1",
        e ->
            ScriptedRegistry.reply(
                e, 403, "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"not yours\"}]}"));
    fails(() -> manifest(BASIC), Fault.PERMISSION_DENIED, "403", "DENIED: not yours");
    registry.on("/v2/app/manifests/v1", e -> ScriptedRegistry.reply(e, 404, "x\ny".repeat(9000)));
    assertThatThrownBy(() -> manifest(BASIC))
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(600).doesNotContain("\n"));
    registry.on("/v2/app/manifests/v1", e -> ScriptedRegistry.reply(e, 418, "teapot"));
    fails(() -> manifest(BASIC), Fault.INTERNAL, "418 teapot");
  }

  @Test
  void contentThatIsNotWhatWasSaidIsRefused() {
    registry.on(
        "/v2/app/manifests/v1",
        e -> {
          e.getResponseHeaders().add("Docker-Content-Digest", Digest.ofBytes(BLOB).toString());
          ScriptedRegistry.reply(e, 200, MANIFEST);
        });
    fails(() -> manifest(BASIC), Fault.INTERNAL, "instead of");
    registry.on("/v2/app/manifests/v1", e -> ScriptedRegistry.reply(e, 200, new byte[5 << 20]));
    fails(() -> manifest(BASIC), Fault.UNAVAILABLE, "longer than");
    registry.on(blobPath(), e -> ScriptedRegistry.reply(e, 200, Arrays.copyOf(BLOB, 99)));
    fails(() -> read(session(BASIC)), Fault.INTERNAL, "has 99 bytes, the manifest says 3000000");
  }

  private void mirror(String toml) throws IOException {
    String folder = registry.address().replace(':', '_') + "_";
    Files.createDirectories(certs.resolve(folder));
    Files.writeString(certs.resolve(folder).resolve("hosts.toml"), toml);
  }

  @Test
  void hostsAreWhereTheSystemsResolverSaysAndEachAddressIsTried() throws IOException {
    String port = registry.address().substring(registry.address().indexOf(':'));
    // Nobody listens at the first.
    TestNames.set("twice", "127.0.0.2", "127.0.0.1");
    mirror("[host.\"http://gone.molo-test\"]\n[host.\"http://twice.molo-test" + port + "\"]\n");
    RegistrySession session = session(BASIC);
    assertThat(session.manifest(Cancellation.create()).servedBy())
        .startsWith("http://twice.molo-test" + port);
    assertThat(session.answers().getFirst().outcome())
        .contains("the name cannot be resolved (gone.molo-test: no test has said where it is");
  }

  @Test
  void mirrorsHeadersDoNotFollowARedirect() throws IOException {
    mirror(
        "[host.\"%1$s\"]\n[host.\"%1$s\".header]\nauthorization = \"Basic %2$s\"\n"
            .formatted(other.url(""), SECRET));
    try (ScriptedRegistry storage = new ScriptedRegistry()) {
      other.on("/v2/app/manifests/v1", ScriptedRegistry.redirect(storage.url("/there")));
      storage.on("/there", e -> ScriptedRegistry.reply(e, 200, MANIFEST));
      assertThat(manifest(BASIC).servedBy()).startsWith(storage.url("/there"));
      assertThat(other.asked().getFirst().header("Authorization")).contains(SECRET);
      assertThat(storage.asked())
          .isNotEmpty()
          .allSatisfy(a -> assertThat(a.headers().toString()).doesNotContain(SECRET));
    }
  }

  @Test
  void mirrorIsAskedFirstAndGetsNoCredentials() throws IOException {
    mirror(
        "[host.\""
            + other.url("")
            + "\"]\n[host.\""
            + other.url("")
            + "\".header]\nx-mirror = \"yes\"\n");
    other.on("/v2/app/manifests/v1", e -> ScriptedRegistry.reply(e, 200, MANIFEST));
    other.on(
        blobPath(),
        e -> {
          e.getResponseHeaders().add("WWW-Authenticate", "Basic realm=x");
          ScriptedRegistry.reply(e, 401, "");
        });
    RegistrySession session = session(BASIC);
    assertThat(session.manifest(Cancellation.create()).servedBy()).startsWith(other.url(""));
    assertThat(read(session)).isEqualTo(BLOB);
    assertThat(other.asked())
        .isNotEmpty()
        .allSatisfy(a -> assertThat(a.headers().toString()).doesNotContain("uthorization"));
    assertThat(other.asked().getFirst().header("X-mirror")).isEqualTo("yes");
    assertThat(other.asked().getFirst().query()).isEqualTo("ns=" + registry.address());
    assertThat(registry.asked().getFirst().headers()).doesNotContainKey("X-mirror");
  }

  @Test
  void mirrorThatClosedAConnectionIsAskedOnceMore() throws IOException {
    mirror("[host.\"" + other.url("") + "\"]\n");
    AtomicInteger requests = new AtomicInteger();
    other.on(
        "/v2/app/manifests/v1",
        e -> {
          if (requests.incrementAndGet() == 1) {
            // The connection goes, without an answer.
            e.close();
          } else {
            ScriptedRegistry.reply(e, 200, MANIFEST);
          }
        });
    assertThat(manifest(BASIC).servedBy()).startsWith(other.url(""));
    requests.set(0);
    other.on("/v2/app/manifests/v1", e -> e.close());
    assertThat(manifest(BASIC).servedBy()).startsWith(registry.url(""));
    assertThat(other.asked("/v2/app/manifests/v1")).hasSize(4);
  }

  @Test
  void mirrorThatResetAConnectionIsAskedOnceMore() throws Exception {
    try (ServerSocket mirror =
        new ServerSocket(0, 16, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}))) {
      mirror("[host.\"http://127.0.0.1:" + mirror.getLocalPort() + "\"]\n");
      FutureTask<Void> server = new FutureTask<>(() -> resetAndAnswer(mirror), null);
      Thread.ofVirtual().start(server);
      assertThat(manifest(BASIC).servedBy())
          .startsWith("http://127.0.0.1:" + mirror.getLocalPort());
      Patience.result("the mirror has answered", server);
    }
  }

  /** One connection is reset as soon as there is a request, the next one is served. */
  private static void resetAndAnswer(ServerSocket mirror) {
    try {
      try (Socket first = mirror.accept()) {
        readHead(first);
        first.setSoLinger(true, 0);
      }
      try (Socket second = mirror.accept()) {
        readHead(second);
        String head = "HTTP/1.1 200 OK\r\nContent-Length: " + MANIFEST.length + "\r\n\r\n";
        second.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        second.getOutputStream().write(MANIFEST);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void readHead(Socket client) throws IOException {
    BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
    while (!lines.readLine().isEmpty()) {
      // A GET has nothing behind its head.
    }
  }

  @Test
  void failingMirrorsAreNamedWhenTheRegistryFailsToo() throws IOException {
    mirror("[host.\"http://127.0.0.1:1\"]\n[host.\"" + other.url("") + "\"]\n");
    other.on("/v2/app/manifests/v1", e -> ScriptedRegistry.reply(e, 500, "mirror broken"));
    registry.on("/v2/app/manifests/v1", e -> ScriptedRegistry.reply(e, 404, ""));
    fails(
        () -> manifest(BASIC),
        Fault.NOT_FOUND,
        registry.address(),
        "127.0.0.1:1",
        "500 mirror broken",
        "hosts.toml");
    registry.on("/v2/app/manifests/v1", e -> ScriptedRegistry.reply(e, 200, MANIFEST));
    assertThat(manifest(BASIC).servedBy()).startsWith(registry.url(""));
  }

  @Test
  void mirrorWithoutResolveIsNotAskedForTags() throws IOException {
    mirror("[host.\"" + other.url("") + "\"]\ncapabilities = [\"pull\"]\n");
    other.on(blobPath(), e -> ScriptedRegistry.reply(e, 200, BLOB));
    RegistrySession session = session(BASIC);
    session.manifest(Cancellation.create());
    assertThat(read(session)).isEqualTo(BLOB);
    assertThat(other.asked()).hasSize(1);
  }

  @Test
  void silenceEndsAfterTheIdleLimit() {
    client.close();
    client = client(Duration.ofMillis(200));
    CountDownLatch over = new CountDownLatch(1);
    registry.on(
        blobPath(),
        e -> {
          e.sendResponseHeaders(200, BLOB.length);
          e.getResponseBody().write(BLOB, 0, 100);
          e.getResponseBody().flush();
          await(over);
          e.close();
        });
    try {
      fails(() -> read(session(BASIC)), Fault.UNAVAILABLE, "nothing came");
    } finally {
      over.countDown();
    }
  }

  /** Anything but the cancellation would take an hour. */
  @Test
  @Timeout(60)
  void cancellationEndsAStalledReadAtOnce() throws Exception {
    client.close();
    client = client(Duration.ofHours(1));
    CountDownLatch over = new CountDownLatch(1);
    CountDownLatch stalled = new CountDownLatch(2);
    RegistryScripts.stall(registry, blobPath(), BLOB.length, stalled, over);
    RegistryScripts.stall(registry, "/v2/app/manifests/v1", 10, stalled, over);
    Cancellation cancellation = Cancellation.create();
    Thread canceller =
        Thread.ofVirtual()
            .start(() -> {
              await(stalled);
              cancellation.cancel("pull");
            });
    CompletableFuture<Void> second =
        CompletableFuture.runAsync(
            () -> fails(() -> session(BASIC).manifest(cancellation), Fault.CANCELLED, "cancelled"),
            task -> Thread.ofVirtual().start(task));
    try {
      fails(
          () -> session(BASIC).open(blob(), cancellation).readAllBytes(),
          Fault.CANCELLED,
          "cancelled");
      Patience.end("the cancellation is over", canceller);
      Patience.result("the other read ends", second);
    } finally {
      over.countDown();
    }
  }

  static void await(CountDownLatch latch) {
    Patience.await("the test goes on", latch);
  }

  /** Of a big layer that comes over several connections. */
  @Test
  @Timeout(60)
  void sectionThatCannotBeKeptEndsItsReader() throws Exception {
    SectionBuffers buffers = new SectionBuffers();
    ByteBuf refusing =
        new UnpooledHeapByteBuf(UnpooledByteBufAllocator.DEFAULT, BLOB.length, BLOB.length) {
          @Override
          public ByteBuf setBytes(int index, byte[] bytes, int offset, int length) {
            throw new OutOfMemoryError("as the test wants it");
          }
        };
    ResumingBlob source =
        new ResumingBlob(
            session(RegistryAuth.anonymous()), blob(), 0, BLOB.length, Cancellation.create());
    Section section = Section.start(buffers, refusing, source, "section");
    FutureTask<Integer> read = new FutureTask<>(() -> section.read(new byte[1], 0, 1));
    var _ = Thread.ofPlatform().daemon().start(read);
    assertThatThrownBy(() -> read.get(30, TimeUnit.SECONDS))
        .hasCauseInstanceOf(FaultException.class)
        .hasMessageContaining("as the test wants it");
    section.close();
  }
}
