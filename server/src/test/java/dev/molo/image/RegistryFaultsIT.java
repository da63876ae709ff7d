package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.Patience;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.image.admission.AdmissionSettings;
import dev.molo.image.admission.Judgement;
import dev.molo.image.layer.UnpackLimits;
import dev.molo.image.registry.RegistrySettings;
import dev.molo.linux.jnr.JnrLinux;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pulls from a real docker-registry through a proxy that does what networks and bad registries do.
 */
final class RegistryFaultsIT {
  private static final String SECRET = "s3cret-pa55word";

  @TempDir Path directory;
  private TestStores stores;
  private TestRegistry registry;
  private FaultProxy proxy;
  private ImageStore store;

  private static boolean isBlob(String path) {
    return path.contains("/blobs/");
  }

  private static boolean isManifest(String path) {
    return path.contains("/manifests/");
  }

  @BeforeEach
  void start() throws IOException, InterruptedException {
    TestStores.needsRegistry();
    registry =
        TestRegistry.start(
            directory,
            "validation: {manifests: {urls: {allow: ['^http://127[.]0[.]0[.]1:']}}}",
            Map.of());
    proxy = new FaultProxy(registry);
    open(new RegistrySettings.Limits(Duration.ofSeconds(15), Duration.ofSeconds(60), 4096, 4, 4));
  }

  private void open(RegistrySettings.Limits limits) {
    stores = new TestStores(directory, JnrLinux.fromProperties(), limits);
    store =
        stores.start(
            stores.settings(
                "images",
                UnpackLimits.standard(),
                false,
                new AdmissionSettings(
                    List.of(),
                    List.of("*/denied/*"),
                    directory.resolve("verifiers"),
                    10,
                    Duration.ofSeconds(20))));
  }

  private void reopen(RegistrySettings.Limits limits) throws Exception {
    stores.close();
    open(limits);
  }

  private static RegistrySettings.Limits impatient(int idleMillis, long rate, int attempts) {
    return new RegistrySettings.Limits(
        Duration.ofSeconds(15), Duration.ofMillis(idleMillis), rate, attempts, 4);
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
      proxy.close();
      registry.close();
    }
  }

  /** Row 23 of the complaints: layers one after the other, and the same one for each pull anew. */
  @Test
  void row23LayersComeAtOnceAndOneInFlightIsShared() throws Exception {
    TestImage first = image(3000, 4000, 5000);
    TestImage second = image(3000, 4000, 5000).config("Cmd", "another");
    registry.push(first, "app", "v1");
    registry.push(second, "other", "v1");
    List<String> layers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      layers.add(TestImages.layerDigest(first, i));
    }
    CountDownLatch asked = new CountDownLatch(layers.size());
    CountDownLatch both = new CountDownLatch(1);
    proxy.plan(
        path -> layers.stream().anyMatch(path::endsWith),
        layers.size(),
        (exchange, real) -> {
          asked.countDown();
          RegistryFaultsIT.await(both);
          FaultProxy.pass(exchange, real);
        });
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Image> one = threads.submit(() -> pull(proxy.address() + "/app:v1"));
      // None has been answered yet: all three are under way at once.
      await(asked);
      Future<Image> two = threads.submit(() -> pull(proxy.address() + "/other:v1"));
      String config = second.id().digest().toString();
      for (int i = 0; i < 12_000 && proxy.asked(p -> p.endsWith(config)).isEmpty(); i++) {
        Thread.sleep(5);
      }
      both.countDown();
      assertThat(one.get(60, TimeUnit.SECONDS).id()).isEqualTo(first.id());
      assertThat(two.get(60, TimeUnit.SECONDS).id()).isEqualTo(second.id());
    }
    for (String layer : layers) {
      assertThat(proxy.asked(path -> path.endsWith(layer))).hasSize(1);
    }
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      if (!latch.await(60, TimeUnit.SECONDS)) {
        throw new IOException("nobody came");
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** Noise, so that no compression makes it small. */
  private static byte[] layer(int bytes, int seed) {
    byte[] noise = new byte[bytes];
    new Random(seed).nextBytes(noise);
    return new TarBytes().add(TarBytes.file("noise-" + seed, noise)).bytes();
  }

  private static TestImage image(int... sizes) {
    TestImage image = new TestImage();
    for (int i = 0; i < sizes.length; i++) {
      image.gzipLayer(layer(sizes[i], i));
    }
    return image;
  }

  private String push(TestImage image) {
    registry.push(image, "app", "v1");
    return proxy.address() + "/app:v1";
  }

  private Image pull(String reference) {
    return TestStores.pull(store, reference);
  }

  private PullExplanation explain(String reference) {
    return store.explain(
        PullRequest.of(reference, RegistryAuth.anonymous()), Cancellation.create());
  }

  private void holdsNoise(Image image, int layer, int size) throws IOException {
    try (LayerLease lease = store.acquire(image.id(), "test")) {
      String lower = lease.lowerDirs().get(image.layers().size() - 1 - layer);
      Path file = directory.resolve("images/layers").resolve(lower).resolve("noise-" + layer);
      byte[] expected = new byte[size];
      new Random(layer).nextBytes(expected);
      assertThat(Files.readAllBytes(file)).isEqualTo(expected);
    }
  }

  private void fails(ThrowingCallable call, Fault kind, String... words) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind))
        .hasMessageContainingAll(words)
        .satisfies(e -> assertThat(trace(e)).doesNotContain(SECRET));
  }

  private static String trace(Throwable e) {
    StringWriter text = new StringWriter();
    e.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  private void leavesNothing() throws IOException {
    for (String folder : List.of("images/ingest", "images/trash", "images/records")) {
      try (var entries = Files.list(directory.resolve(folder))) {
        assertThat(entries).as(folder).isEmpty();
      }
    }
    assertThat(store.list()).isEmpty();
  }

  @Test
  void connectionsThatAreCutAreTakenUpWhereTheyBroke() throws IOException {
    String reference = push(image(3_000_000, 2_000_000));
    proxy.plan(RegistryFaultsIT::isBlob, 4, FaultProxy.cut(700_000));
    proxy.plan(RegistryFaultsIT::isManifest, 1, FaultProxy.cut(20));
    Image image = pull(reference);
    holdsNoise(image, 0, 3_000_000);
    holdsNoise(image, 1, 2_000_000);
    assertThat(proxy.asked(RegistryFaultsIT::isBlob))
        .anyMatch(a -> a.headers().containsKey("Range"));
  }

  @Test
  void busyAndBrokenRegistryIsAskedAgain() throws IOException {
    String reference = push(image(100_000));
    proxy.plan(RegistryFaultsIT::isManifest, 2, FaultProxy.status(429, "0", "slow down"));
    proxy.plan(RegistryFaultsIT::isBlob, 1, FaultProxy.status(500, "", "oops"));
    proxy.plan(
        RegistryFaultsIT::isBlob,
        1,
        FaultProxy.status(503, "Thu, 01 Jan 2015 00:00:00 GMT", "again"));
    holdsNoise(pull(reference), 0, 100_000);
  }

  @Test
  void registryThatStaysBusyIsUnavailableWithItsOwnWords() throws IOException {
    String reference = push(image(1000));
    proxy.plan(
        RegistryFaultsIT::isManifest,
        99,
        FaultProxy.status(
            429,
            "0",
            "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"quota is used up\"}]}"));
    fails(
        () -> pull(reference),
        Fault.UNAVAILABLE,
        proxy.address(),
        "/v2/app/manifests/v1",
        "429",
        "TOOMANYREQUESTS: quota is used up");
    assertThatThrownBy(() -> pull(reference))
        .isInstanceOfSatisfying(
            FaultException.class,
            e -> assertThat(e.reason()).contains(ReasonWord.RegistryUnavailable));
    leavesNothing();
  }

  @Test
  void damagedContentIsRefusedAndLeavesNothing() throws IOException {
    String reference = push(image(500_000));
    proxy.plan(RegistryFaultsIT::isBlob, 99, FaultProxy::damage);
    fails(() -> pull(reference), Fault.INTERNAL, "digest");
    leavesNothing();
  }

  @Test
  void contentOfAnotherLengthIsRefusedAndLeavesNothing() throws IOException {
    TestImage made = image(500_000);
    String reference = push(made);
    String layer = TestImages.layerDigest(made, 0);
    proxy.plan(path -> path.endsWith(layer), 99, FaultProxy::shorten);
    fails(() -> pull(reference), Fault.INTERNAL, "bytes, the manifest says");
    leavesNothing();
  }

  @Test
  void manifestOfAnotherDigestIsRefused() throws IOException {
    String reference = push(image(1000));
    proxy.plan(RegistryFaultsIT::isManifest, 99, FaultProxy::damage);
    fails(() -> pull(reference), Fault.INTERNAL, "instead of");
    leavesNothing();
  }

  @Test
  void row24BigLayerComesOverSeveralConnections() throws IOException {
    int size = 24 << 20;
    TestImage made = image(size);
    String reference = push(made);
    String layer = TestImages.layerDigest(made, 0);
    // Its reader waits for the first section for longer than it is busy with it, however slow the
    // disk and the machine are.
    proxy.plan(path -> path.endsWith(layer), 1, FaultProxy.lastByteLate(this::received));
    // 64 KiB each 4 ms is what this one connection gives; several give several times as much.
    proxy.plan(RegistryFaultsIT::isBlob, 999, FaultProxy.trickle(64 << 10, 4));
    holdsNoise(pull(reference), 0, size);
    assertThat(proxy.mostBlobsAtOnce()).isBetween(2, 4);
    assertThat(proxy.asked(RegistryFaultsIT::isBlob)).hasSizeGreaterThan(5);
  }

  /** How much has been taken of the layers on their way. */
  private long received() {
    return store.pulling().stream()
        .flatMap(now -> now.layers().stream())
        .mapToLong(PullProgress.Layer::bytes)
        .sum();
  }

  @Test
  void oneConnectionIsEnoughWhereOneIsConfigured() throws Exception {
    reopen(new RegistrySettings.Limits(Duration.ofSeconds(15), Duration.ofSeconds(60), 0, 4, 1));
    int size = 20 << 20;
    String reference = push(image(size));
    holdsNoise(pull(reference), 0, size);
    assertThat(proxy.mostBlobsAtOnce()).isEqualTo(1);
    assertThat(proxy.asked(RegistryFaultsIT::isBlob)).hasSize(2);
  }

  @Test
  void sectionsThatAreCutAreTakenUpWhereTheyBroke() throws IOException {
    int size = 20 << 20;
    String reference = push(image(size));
    proxy.plan(RegistryFaultsIT::isBlob, 2, FaultProxy.trickle(64 << 10, 2));
    proxy.plan(RegistryFaultsIT::isBlob, 3, FaultProxy.cut(1_500_000));
    proxy.plan(RegistryFaultsIT::isBlob, 1, FaultProxy.status(500, "", "oops"));
    holdsNoise(pull(reference), 0, size);
  }

  @Test
  void row25SilentAndTricklingConnectionsAreGivenUpForNewOnes() throws Exception {
    // A machine that stalls takes a few more attempts.
    reopen(impatient(1500, 100_000, 20));
    CountDownLatch over = new CountDownLatch(1);
    String reference = push(image(1_000_000));
    proxy.plan(RegistryFaultsIT::isBlob, 1, FaultProxy.stall(300, over));
    proxy.plan(RegistryFaultsIT::isBlob, 1, FaultProxy.trickle(10, 20));
    try {
      holdsNoise(pull(reference), 0, 1_000_000);
    } finally {
      over.countDown();
    }
  }

  @Test
  void row25PullThatOnlyTricklesFailsInsteadOfTakingHours() throws Exception {
    // Once, and longer than a machine stalls: it is to trickle and not to be silent.
    reopen(impatient(6000, 1_000_000, 1));
    String reference = push(image(2_000_000));
    proxy.plan(RegistryFaultsIT::isBlob, 999, FaultProxy.trickle(100, 20));
    fails(() -> pull(reference), Fault.UNAVAILABLE, "a second is the least");
    leavesNothing();
  }

  @Test
  void row25ProgressIsSeenWhileItLasts() throws Exception {
    TestImage made = image(900_000);
    String reference = push(made);
    String layer = TestImages.layerDigest(made, 0);
    CountDownLatch over = new CountDownLatch(1);
    proxy.plan(path -> path.endsWith(layer), 1, FaultProxy.stall(300_000, over));
    Thread puller = Thread.ofVirtual().start(() -> pull(reference));
    PullProgress.Layer seen = null;
    while (puller.isAlive() && seen == null) {
      seen =
          store.pulling().stream()
              .flatMap(now -> now.layers().stream())
              .filter(one -> one.bytes() > 0 && one.bytesPerSecond() > 0)
              .findFirst()
              .orElse(null);
      Thread.sleep(5);
    }
    over.countDown();
    Patience.end("the pull ends", puller);
    assertThat(seen).isNotNull();
    assertThat(seen.stage()).isEqualTo(PullProgress.LayerStage.FETCHING);
    assertThat(seen.totalBytes()).isGreaterThan(900_000);
  }

  @Test
  void secretsStayWithTheirHostWhenItRedirectsToAnother() throws IOException {
    String reference = push(image(300_000));
    try (FaultProxy storage = new FaultProxy(registry)) {
      proxy.plan(RegistryFaultsIT::isBlob, 99, FaultProxy.redirect(storage.address()));
      RegistryAuth auth = new RegistryAuth.RegistryToken(SECRET);
      holdsNoise(store.pull(PullRequest.of(reference, auth), Cancellation.create()), 0, 300_000);
      assertThat(proxy.asked(RegistryFaultsIT::isBlob))
          .allMatch(a -> a.headers().get("Authorization").contains("Bearer " + SECRET));
      assertThat(storage.asked(RegistryFaultsIT::isBlob))
          .isNotEmpty()
          .noneMatch(a -> a.headers().containsKey("Authorization"));
    }
  }

  @Test
  void retryOfACancelledPullTakesWhatIsThere() throws Exception {
    TestImage made = image(200_000, 900_000);
    String reference = push(made);
    String first = TestImages.layerDigest(made, 0);
    String second = TestImages.layerDigest(made, 1);
    CountDownLatch over = new CountDownLatch(1);
    proxy.plan(path -> path.endsWith(second), 1, FaultProxy.stall(1000, over));
    Cancellation cancellation = Cancellation.create();
    try {
      fails(
          () ->
              store.pull(
                  PullRequest.of(reference, RegistryAuth.anonymous()),
                  cancellation,
                  now -> {
                    if (now.layers().stream()
                        .anyMatch(l -> l.stage() == PullProgress.LayerStage.UNPACKED)) {
                      cancellation.cancel("pull");
                    }
                  }),
          Fault.CANCELLED,
          "cancelled");
    } finally {
      over.countDown();
    }
    holdsNoise(pull(reference), 1, 900_000);
    assertThat(proxy.asked(path -> path.endsWith(first))).hasSize(1);
  }

  @Test
  void nonDistributableLayerComesFromItsOwnUrl() throws IOException {
    byte[] tar = layer(100_000, 0);
    try (FaultProxy elsewhere = new FaultProxy(registry)) {
      TestImage holder = new TestImage().gzipLayer(tar);
      registry.push(holder, "vendor", "v1");
      String digest = TestImages.layerDigest(holder, 0);
      TestImage made =
          TestImages.foreign(
              tar, "http://%s/v2/vendor/blobs/%s".formatted(elsewhere.address(), digest));
      registry.pushWithoutLayers(made, "app", "v1");
      RegistryAuth auth = new RegistryAuth.RegistryToken(SECRET);
      String reference = proxy.address() + "/app:v1";
      holdsNoise(store.pull(PullRequest.of(reference, auth), Cancellation.create()), 0, 100_000);
      assertThat(elsewhere.asked(RegistryFaultsIT::isBlob))
          .hasSize(1)
          .noneMatch(a -> a.headers().containsKey("Authorization"));
    }
  }

  @Test
  void row26ExplanationNamesMirrorsCredentialsPlatformAndLayersWithoutFetchingThem()
      throws IOException {
    TestImage mine = image(400_000, 100_000);
    TestImage other = image(1000).architecture("mips64le");
    registry.pushIndex("app", "v1", other, mine);
    String upstream = registry.address();
    Path hosts = directory.resolve("certs.d/" + upstream.replace(':', '_') + "_/hosts.toml");
    Files.createDirectories(hosts.getParent());
    Files.writeString(
        hosts,
        """
        [host."http://127.0.0.1:2"]
          capabilities = ["pull"]
        [host."http://127.0.0.1:1"]
        [host."http://%s"]
        """
            .formatted(proxy.address()));
    Files.writeString(
        directory.resolve("config.json"),
        "{\"auths\": {\""
            + upstream
            + "\": {\"username\": \"u\", \"password\": \""
            + SECRET
            + "\"}}}");
    PullExplanation told = explain(upstream + "/app:v1");
    assertThat(told.failure()).isEmpty();
    assertThat(told.reference()).isEqualTo(upstream + "/app:v1");
    assertThat(told.hostsFile()).contains(hosts);
    assertThat(told.credentials()).isEqualTo(directory.resolve("config.json").toString());
    assertThat(told.hosts().get(0).host()).isEqualTo("http://127.0.0.1:2");
    assertThat(told.hosts().get(0).outcome()).contains("not asked", "resolve");
    assertThat(told.hosts().get(1).host()).isEqualTo("http://127.0.0.1:1");
    assertThat(told.hosts().get(1).outcome()).contains("cannot connect");
    assertThat(told.hosts().get(2).host()).isEqualTo("http://" + proxy.address());
    assertThat(told.hosts().get(2).outcome()).isEqualTo("answered");
    assertThat(told.hosts().get(2).mirror()).isTrue();
    assertThat(told.image().orElseThrow().id()).contains(mine.id());
    assertThat(told.image().orElseThrow().why()).contains("mips64le", Platform.host() + "");
    assertThat(told.layers()).hasSize(2).noneMatch(PullExplanation.Layer::here);
    assertThat(told.room().download())
        .isEqualTo(told.layers().stream().mapToLong(PullExplanation.Layer::size).sum());
    assertThat(told.room().free()).isPositive();
    assertThat(told.judgements()).allMatch(Judgement::admitted);
    assertThat(told.toString()).doesNotContain(SECRET);
    for (int i = 0; i < 2; i++) {
      String layer = TestImages.layerDigest(mine, i);
      assertThat(proxy.asked(path -> path.endsWith(layer))).isEmpty();
    }
    pull(upstream + "/app:v1");
    assertThat(explain(upstream + "/app:v1").layers()).allMatch(PullExplanation.Layer::here);
    assertThat(explain(upstream + "/app:v1").room().download()).isZero();
  }

  @Test
  void explanationCountsALayerThatIsThereTwiceOnce() throws IOException {
    byte[] tar = layer(50_000, 0);
    String reference = push(new TestImage().gzipLayer(tar).gzipLayer(tar));
    PullExplanation told = explain(reference);
    assertThat(told.layers()).hasSize(2);
    assertThat(told.room().download()).isEqualTo(told.layers().getFirst().size());
  }

  @Test
  void row26ExplanationHasTheWordsOfTheFailedPull() throws IOException {
    String reference = push(image(1000));
    proxy.plan(
        RegistryFaultsIT::isManifest,
        99,
        FaultProxy.status(
            403, "", "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"not yours\"}]}"));
    PullExplanation told = explain(reference);
    FaultException failure = told.failure().orElseThrow();
    assertThat(failure.kind()).isEqualTo(Fault.PERMISSION_DENIED);
    assertThat(told.hosts().getFirst().outcome()).contains("403 DENIED: not yours");
    assertThatThrownBy(() -> pull(reference)).hasMessage(failure.getMessage());
    assertThat(failure).hasMessageContaining("credentials: none");
  }

  @Test
  void refusedImageIsNotFetched() throws IOException {
    Path verifier = directory.resolve("verifiers/check");
    Files.createDirectories(verifier.getParent());
    Files.writeString(verifier, "#!/bin/sh\necho unsigned; exit 1\n");
    Files.setPosixFilePermissions(verifier, PosixFilePermissions.fromString("rwx------"));
    TestImage made = image(1000);
    String reference = push(made);
    fails(() -> pull(reference), Fault.PERMISSION_DENIED, "verifier check", "unsigned");
    PullExplanation told = explain(reference);
    assertThat(told.failure().orElseThrow().reason())
        .contains(ReasonWord.SignatureValidationFailed);
    assertThat(told.judgements()).contains(new Judgement("check", false, "unsigned"));
    String layer = TestImages.layerDigest(made, 0);
    assertThat(proxy.asked(path -> path.endsWith(layer))).isEmpty();
    fails(() -> pull(proxy.address() + "/denied/app:v1"), Fault.PERMISSION_DENIED, "policy.deny");
    assertThat(proxy.asked(path -> path.contains("denied"))).isEmpty();
    leavesNothing();
  }
}
