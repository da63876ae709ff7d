package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.Patience;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.image.content.Compression;
import dev.molo.image.registry.RegistrySettings;
import dev.molo.linux.jnr.JnrLinux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pushes to a real docker-registry through a proxy that does what networks and bad registries do.
 * Where it answers otherwise than the registry, the registry has done what it was asked for.
 */
final class PushFaultsIT {
  private static final String SECRET = "s3cret-pa55word";

  @TempDir Path directory;
  private TestStores stores;
  private TestRegistry registry;
  private FaultProxy proxy;
  private ImageStore store;

  private static boolean isUpload(String path) {
    return path.contains("/blobs/uploads/");
  }

  private static boolean isManifest(String path) {
    return path.contains("/manifests/");
  }

  @BeforeEach
  void start() throws IOException, InterruptedException {
    TestStores.needsRegistry();
    registry = TestRegistry.start(directory);
    proxy = new FaultProxy(registry);
    stores =
        new TestStores(
            directory,
            JnrLinux.fromProperties(),
            new RegistrySettings.Limits(
                Duration.ofSeconds(15), Duration.ofSeconds(60), 4096, 4, 4));
    store = stores.start();
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
      proxy.close();
      registry.close();
    }
  }

  /** Noise, so that no compression makes it small. */
  private TestImage imported(int bytes) throws IOException {
    byte[] noise = new byte[bytes];
    new Random(5).nextBytes(noise);
    TestImage made =
        new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("noise", noise)).bytes());
    TestStores.bringIn(
        store, Files.write(directory.resolve("i.tar"), TestArchives.docker(made, "app:1")));
    return made;
  }

  private PushedImage push(Optional<Compression> compression, RegistryAuth auth) {
    return store.push(
        new PushRequest("app:1", Optional.of(proxy.address() + "/app:1"), compression, auth),
        Cancellation.create(),
        _ -> {});
  }

  private PushedImage push() {
    return push(Optional.empty(), RegistryAuth.anonymous());
  }

  private void arrived(TestImage made) {
    store.remove("app:1");
    assertThat(TestStores.pull(store, registry.address() + "/app:1").id()).isEqualTo(made.id());
  }

  @Test
  void busyAndBrokenRegistryIsPushedToAgain() throws IOException {
    TestImage made = imported(100_000);
    proxy.plan("HEAD", path -> true, 2, FaultProxy.status(503, "0", ""));
    proxy.plan("POST", PushFaultsIT::isUpload, 2, FaultProxy.status(429, "0", "slow down"));
    proxy.plan("PUT", PushFaultsIT::isUpload, 2, FaultProxy.status(500, "", "oops"));
    proxy.plan("PUT", PushFaultsIT::isManifest, 2, FaultProxy.status(503, "0", "again"));
    push();
    arrived(made);
  }

  @Test
  void chunkThatFailsIsNotTheEndOfAPush() throws IOException {
    TestImage made = imported(40 << 20);
    proxy.plan("PATCH", PushFaultsIT::isUpload, 1, FaultProxy.status(500, "", "oops"));
    proxy.plan("PATCH", PushFaultsIT::isUpload, 1, FaultProxy::lose);
    push();
    arrived(made);
  }

  /** The registry has it all, and nobody has heard so. */
  @Test
  void answerThatIsLostIsNotTheEndOfAPush() throws IOException {
    TestImage made = imported(20 << 20);
    proxy.plan("PUT", PushFaultsIT::isUpload, 1, FaultProxy::lose);
    proxy.plan("PUT", PushFaultsIT::isUpload, 1, FaultProxy.status(504, "", "the storage is slow"));
    proxy.plan("PUT", PushFaultsIT::isManifest, 1, FaultProxy::lose);
    push();
    assertThat(proxy.asked(PushFaultsIT::isUpload))
        .as("no byte was sent twice")
        .filteredOn(a -> a.method().equals("PATCH"))
        .hasSize(2);
    arrived(made);
  }

  /** A layer that is made while it is read is made once, and not once for each chunk. */
  @Test
  void plainLayerGoesInChunks() throws IOException {
    TestImage made = imported(40 << 20);
    proxy.plan("PATCH", PushFaultsIT::isUpload, 1, FaultProxy::pass);
    proxy.plan("PATCH", PushFaultsIT::isUpload, 1, FaultProxy::lose);
    PushedImage pushed =
        push(Optional.of(Compression.of(Compression.Kind.NONE)), RegistryAuth.anonymous());
    assertThat(pushed.layers())
        .extracting(layer -> layer.blob().digest())
        .isEqualTo(made.diffIds());
    arrived(made);
  }

  @Test
  void registryThatStaysBusyIsUnavailableWithItsOwnWords() throws IOException {
    imported(1000);
    proxy.plan(
        "POST",
        PushFaultsIT::isUpload,
        99,
        FaultProxy.status(
            503,
            "0",
            "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"quota is used up\"}]}"));
    assertThatThrownBy(this::push)
        .isInstanceOfSatisfying(
            FaultException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(Fault.UNAVAILABLE);
              assertThat(e.reason()).contains(ReasonWord.RegistryUnavailable);
            })
        .hasMessageContainingAll(
            "push " + proxy.address() + "/app:1",
            "/v2/app/blobs/uploads/",
            "503",
            "TOOMANYREQUESTS: quota is used up",
            "credentials: none");
  }

  @Test
  void refusalIsToldAtOnceInTheRegistrysWords() throws IOException {
    imported(1000);
    proxy.plan(
        "PUT",
        PushFaultsIT::isManifest,
        99,
        FaultProxy.status(
            403, "", "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"tags are immutable\"}]}"));
    assertThatThrownBy(this::push)
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.PERMISSION_DENIED))
        .hasMessageContainingAll("/v2/app/manifests/1", "403 DENIED: tags are immutable");
    assertThat(proxy.asked(PushFaultsIT::isManifest)).hasSize(1);
  }

  @Test
  void manifestThatWasTakenAsAnotherIsNoSuccess() throws IOException {
    imported(1000);
    String other = Digest.ofBytes(new byte[] {1}).toString();
    proxy.plan(
        "PUT", PushFaultsIT::isManifest, 99, FaultProxy.header("Docker-Content-Digest", other));
    assertThatThrownBy(this::push)
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INTERNAL))
        .hasMessageContainingAll("took it as", other);
  }

  @Test
  void pushGoesToTheFirstHostThatTakesPushesAndTellsItNoSecret() throws IOException {
    TestImage made = imported(1000);
    Path hosts = directory.resolve("certs.d/registry.invalid/hosts.toml");
    Files.createDirectories(hosts.getParent());
    Files.writeString(
        hosts,
        """
        server = "https://registry.invalid"
        [host."http://127.0.0.1:1"]
          capabilities = ["pull", "resolve"]
        [host."http://%s"]
          capabilities = ["push"]
        """
            .formatted(proxy.address()));
    store.push(
        new PushRequest(
            "app:1",
            Optional.of("registry.invalid/app:1"),
            Optional.empty(),
            new RegistryAuth.RegistryToken(SECRET)),
        Cancellation.create(),
        _ -> {});
    assertThat(proxy.asked(_ -> true))
        .isNotEmpty()
        .noneMatch(asked -> asked.headers().containsKey("Authorization"));
    arrived(made);
  }

  @Test
  void secretsStayWithTheirHostWhenAnotherTakesTheUpload() throws IOException {
    TestImage made = imported(100_000);
    try (FaultProxy storage = new FaultProxy(registry)) {
      proxy.plan("POST", PushFaultsIT::isUpload, 99, elsewhere(storage));
      push(Optional.empty(), new RegistryAuth.RegistryToken(SECRET));
      assertThat(proxy.asked(PushFaultsIT::isUpload))
          .allMatch(a -> a.headers().get("Authorization").contains("Bearer " + SECRET));
      assertThat(storage.asked(PushFaultsIT::isUpload))
          .isNotEmpty()
          .noneMatch(a -> a.headers().containsKey("Authorization"));
    }
    arrived(made);
  }

  private static FaultProxy.Fault elsewhere(FaultProxy storage) {
    return (exchange, real) -> {
      real.body().close();
      String location = real.headers().firstValue("Location").orElseThrow();
      exchange
          .getResponseHeaders()
          .add("Location", location.replaceFirst("^http://[^/]*", "http://" + storage.address()));
      exchange.sendResponseHeaders(real.statusCode(), -1);
    };
  }

  @Test
  void silentRegistryIsGivenUpForANewConnection() throws Exception {
    stores.close();
    stores =
        new TestStores(
            directory,
            JnrLinux.fromProperties(),
            new RegistrySettings.Limits(Duration.ofMillis(100), Duration.ofMillis(1500), 0, 20, 1));
    store = stores.start();
    TestImage made = imported(100_000);
    CountDownLatch over = new CountDownLatch(1);
    proxy.plan("PUT", PushFaultsIT::isUpload, 1, (_, _) -> awaitEnd(over));
    try {
      push();
    } finally {
      over.countDown();
    }
    arrived(made);
  }

  private static void awaitEnd(CountDownLatch over) {
    Patience.await("the push is over", over);
  }

  @Test
  void cancelledPushEndsAndLeavesNothing() throws Exception {
    imported(1000);
    CountDownLatch over = new CountDownLatch(1);
    Cancellation cancellation = Cancellation.create();
    proxy.plan(
        "PUT",
        PushFaultsIT::isUpload,
        1,
        (_, _) -> {
          cancellation.cancel("push");
          awaitEnd(over);
        });
    try {
      assertThatThrownBy(() ->
              store.push(
                  new PushRequest(
                      "app:1",
                      Optional.of(proxy.address() + "/app:1"),
                      Optional.empty(),
                      RegistryAuth.anonymous()),
                  cancellation,
                  _ -> {}))
          .isInstanceOfSatisfying(
              FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.CANCELLED));
    } finally {
      over.countDown();
    }
    try (var left = Files.list(directory.resolve("images/ingest"))) {
      assertThat(left).isEmpty();
    }
  }
}
