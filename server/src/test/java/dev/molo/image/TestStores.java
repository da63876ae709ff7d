package dev.molo.image;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.image.admission.AdmissionSettings;
import dev.molo.image.layer.UnpackLimits;
import dev.molo.image.registry.Proxies;
import dev.molo.image.registry.RegistryClient;
import dev.molo.image.registry.RegistrySettings;
import dev.molo.linux.Linux;
import dev.molo.linux.SystemFacts;
import dev.molo.linux.jnr.JnrLinux;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What is needed to handle images, below a directory of the test's: a registry client that reads
 * {@code certs.d} and {@code config.json} there, and image stores. Closed as a whole, stores
 * included. For one thread.
 */
public final class TestStores implements AutoCloseable {
  private final Path directory;
  private final Linux linux;

  /** As the daemon has it. */
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));

  private final RegistryClient client;
  private final List<ImageStore> stores = new ArrayList<>();

  /** On this machine's kernel, as patient as a node is. */
  public TestStores(Path directory) {
    this(directory, JnrLinux.fromProperties(), RegistrySettings.Limits.standard());
  }

  TestStores(Path directory, Linux linux, RegistrySettings.Limits limits) {
    this(directory, linux, limits, Proxies.none());
  }

  TestStores(Path directory, Linux linux, RegistrySettings.Limits limits, Proxies proxies) {
    this.directory = directory;
    this.linux = linux;
    this.client =
        new RegistryClient(
            vertx,
            new RegistrySettings(
                List.of(directory.resolve("certs.d")),
                Set.of(),
                List.of(directory.resolve("config.json")),
                "molo-test",
                limits,
                proxies),
            directory.resolve("proxies"));
  }

  /** Skips the test for anybody but root. */
  public static void needsRoot() {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root: owners of layers");
  }

  /** Skips the test without root and a registry program. */
  static void needsRegistry() {
    assumeTrue(TestRegistry.installed(), "docker-registry is not installed");
    needsRoot();
  }

  Linux linux() {
    return linux;
  }

  /** The same kernel after a boot that never was. */
  static Linux booted(Linux kernel, String bootId) {
    SystemFacts facts =
        (SystemFacts)
            Proxy.newProxyInstance(
                TestStores.class.getClassLoader(),
                new Class<?>[] {SystemFacts.class},
                (_, method, arguments) ->
                    method.getName().equals("bootId")
                        ? bootId
                        : method.invoke(kernel.system(), arguments));
    return (Linux)
        Proxy.newProxyInstance(
            TestStores.class.getClassLoader(),
            new Class<?>[] {Linux.class},
            (_, method, arguments) ->
                method.getName().equals("system") ? facts : method.invoke(kernel, arguments));
  }

  /** The standard settings of a store in a folder of the test's. */
  ImageStoreSettings settings(String folder) {
    return ImageStoreSettings.standard(directory.resolve(folder));
  }

  /** With other bounds of what a layer may be, and the say of {@code verifiers}. */
  ImageStoreSettings settings(String folder, UnpackLimits limits, boolean keepBlobs) {
    return settings(
        folder, limits, keepBlobs, AdmissionSettings.standard(directory.resolve("verifiers")));
  }

  ImageStoreSettings settings(
      String folder, UnpackLimits limits, boolean keepBlobs, AdmissionSettings admission) {
    ImageStoreSettings standard = settings(folder);
    return new ImageStoreSettings(
        standard.root(),
        standard.pinned(),
        standard.parallelLayers(),
        limits,
        keepBlobs,
        standard.platform(),
        admission);
  }

  /** A store that still waits to hear that all containers are known. */
  ImageStore open(Linux kernel, ImageStoreSettings settings) {
    ImageStore store = new ImageStore(kernel, settings, client, Clock.systemUTC());
    stores.add(store);
    return store;
  }

  /** A store at work. */
  public ImageStore start(ImageStoreSettings settings) {
    ImageStore store = open(linux, settings);
    store.recovered();
    return store;
  }

  /** The store in the folder {@code images}, at work. */
  public ImageStore start() {
    return start(settings("images"));
  }

  static Image pull(ImageStore into, String reference) {
    return pull(into, reference, RegistryAuth.anonymous());
  }

  static Image pull(ImageStore into, String reference, RegistryAuth auth) {
    return into.pull(PullRequest.of(reference, auth), Cancellation.create());
  }

  static List<Image> bringIn(ImageStore into, Path archive) {
    return into.importArchive(
        new ImportRequest(archive, Optional.empty()), Cancellation.create(), PullListener.none());
  }

  static List<LayerCheck> verify(ImageStore store, boolean repair) {
    return store.verify(
        new VerifyRequest(Optional.empty(), repair, RegistryAuth.anonymous()),
        Cancellation.create(),
        _ -> {});
  }

  @Override
  public void close() throws TimeoutException {
    stores.forEach(ImageStore::close);
    client.close();
    vertx.close().await(60, TimeUnit.SECONDS);
  }
}
