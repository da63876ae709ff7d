package dev.molo.app;

import dev.molo.cgroup.CgroupSettings;
import dev.molo.cgroup.Cgroups;
import dev.molo.config.CgroupConfig;
import dev.molo.config.MoloConfig;
import dev.molo.config.RegistryConfig;
import dev.molo.cri.CanonicalRequests;
import dev.molo.cri.CriFacts;
import dev.molo.cri.CriServer;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.http.HttpEdge;
import dev.molo.image.ImageStore;
import dev.molo.image.ImageStoreSettings;
import dev.molo.image.admission.AdmissionSettings;
import dev.molo.image.layer.UnpackLimits;
import dev.molo.image.registry.Proxies;
import dev.molo.image.registry.RegistryClient;
import dev.molo.image.registry.RegistrySettings;
import dev.molo.launch.LaunchSettings;
import dev.molo.launch.Launches;
import dev.molo.linux.KernelFeatures;
import dev.molo.linux.Linux;
import dev.molo.linux.jnr.JnrLinux;
import dev.molo.network.BridgeNetworks;
import dev.molo.network.NetworkSettings;
import dev.molo.pod.PodSettings;
import dev.molo.pod.Pods;
import dev.molo.pod.Verbs;
import dev.molo.state.PodStore;
import dev.molo.supervisor.ExitRecords;
import dev.molo.supervisor.NativeMounter;
import dev.molo.supervisor.NativeSupervisors;
import dev.molo.supervisor.Reactors;
import io.prometheus.client.CollectorRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.VertxInternal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The daemon: everything wired together by hand, started from the kernel up and stopped in the
 * opposite order. Pods do not notice either.
 */
public final class Daemon implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Daemon.class);

  /** Within what time the daemon answers itself, when no watchdog says otherwise. */
  private static final Duration HEARTBEAT_LIMIT = Duration.ofSeconds(10);

  /** How long the end waits for the event loops: nothing is served any more by then. */
  private static final int END_SECONDS = 30;

  private final Started started = new Started();
  private final MoloConfig config;

  private Daemon(MoloConfig config) {
    this.config = config;
  }

  /**
   * Serves until the process is told to end.
   *
   * @return the exit status
   */
  public static int run(MoloConfig config) {
    CountDownLatch told = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    try (Daemon daemon = new Daemon(config)) {
      daemon.start();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> end(told, ended), "molo-end"));
      told.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      ended.countDown();
    }
    return 0;
  }

  /** SIGTERM and SIGINT: the JVM runs its hooks while the main thread puts things down. */
  private static void end(CountDownLatch told, CountDownLatch ended) {
    told.countDown();
    try {
      ended.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void start() {
    long begin = System.nanoTime();
    requireBuilt();
    started.add(InstanceLock.take(config.root(), config.instance().name()));
    makeRunFolder();
    JnrLinux linux = started.add(JnrLinux.fromProperties());
    requireRoot(linux);
    Vertx vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));
    started.add(() -> vertx.close().await(END_SECONDS, TimeUnit.SECONDS));
    Cgroups cgroups = Cgroups.discover(linux, CgroupSettings.of(config));
    cgroups.enterDaemonLeaf().ifPresent(leaf -> log.info("the daemon lives in {}", leaf));
    ImageStore images = started.add(images(linux, vertx));
    BridgeNetworks networks =
        started.add(
            new BridgeNetworks(
                linux,
                NetworkSettings.of(
                    config.instance(), config.network(), config.root().resolve("network"))));
    Pods pods = started.add(pods(linux, cgroups, images, networks));
    pods.recover();
    serve(vertx, pods, images, networks);
    serveHttp(vertx, pods, images);
    tellServiceManager(linux, pods);
    SpareMemory spare = started.add(SpareMemory.watch(linux.memory(), vertx));
    images.onPullsOver(spare::pullsOver);
    log.info(
        "instance {} serves {} ({} ms after its wiring began)",
        config.instance(),
        config.grpc().socket(),
        (System.nanoTime() - begin) / 1_000_000);
  }

  /** What the configuration knows and this build does not do is said, not passed over. */
  private void requireBuilt() {
    if (config.cgroup().driver() == CgroupConfig.Driver.SYSTEMD) {
      throw FaultException.unimplemented(
          "serve with cgroup.driver: systemd: scopes over D-Bus are not built yet; use cgroupfs");
    }
  }

  private void makeRunFolder() {
    try {
      Files.createDirectories(
          config.run(),
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx--x--x")));
    } catch (IOException e) {
      throw new FaultException(
          Fault.INTERNAL, "make %s: %s".formatted(config.run(), e.getMessage()), e);
    }
  }

  private static void requireRoot(Linux linux) {
    if (!linux.system().effectiveCapabilities().contains(dev.molo.linux.Capability.CAP_SYS_ADMIN)) {
      throw new FaultException(
          Fault.PERMISSION_DENIED,
          "serve: the daemon makes namespaces and mounts, so it must run as root (CAP_SYS_ADMIN)");
    }
  }

  private ImageStore images(Linux linux, Vertx vertx) {
    RegistryClient registry =
        started.add(new RegistryClient(vertx, registrySettings(), config.run().resolve("proxies")));
    return new ImageStore(linux, storeSettings(), registry, Clock.systemUTC());
  }

  private RegistrySettings registrySettings() {
    RegistryConfig registry = config.registry();
    return new RegistrySettings(
        config.images().certsDirs(),
        Set.copyOf(registry.plainHttp()),
        registry.credentialFiles(),
        "molo/" + ProgramVersion.text(),
        new RegistrySettings.Limits(
            registry.connectTimeout(),
            registry.idleLimit(),
            registry.minimumRate(),
            registry.attempts(),
            registry.connectionsPerLayer()),
        Proxies.of(System.getenv()));
  }

  private ImageStoreSettings storeSettings() {
    ImageStoreSettings standard = ImageStoreSettings.standard(config.root().resolve("images"));
    return new ImageStoreSettings(
        standard.root(),
        config.images().pinned(),
        config.images().parallelLayers(),
        new UnpackLimits(
            config.images().maxLayerBytes(),
            config.images().maxLayerEntries(),
            config.images().maxLayerRatio()),
        config.images().keepBlobs(),
        standard.platform(),
        new AdmissionSettings(
            config.policy().allow(),
            config.policy().deny(),
            config.policy().verifiers(),
            config.policy().maxVerifiers(),
            config.policy().verifierTimeout()));
  }

  private Pods pods(JnrLinux linux, Cgroups cgroups, ImageStore images, BridgeNetworks networks) {
    Path nativePrograms = Path.of(System.getProperty(JnrLinux.NATIVE_FOLDER));
    Reactors reactors = started.add(new Reactors(linux));
    PodStore store = new PodStore(config.root());
    NativeSupervisors supervisors =
        started.add(new NativeSupervisors(linux, reactors, config.run(), nativePrograms));
    NativeMounter mounter =
        started.add(
            new NativeMounter(
                linux,
                reactors,
                nativePrograms,
                config.root().resolve("images/layers"),
                config.root().resolve("pods")));
    ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("molo-", 0).factory());
    started.add(threads::shutdown);
    Pods.Rooms rooms =
        new Pods.Rooms(
            linux,
            supervisors,
            new ExitRecords(config.run()),
            mounter,
            images,
            networks,
            cgroups,
            new Launches(linux, LaunchSettings.of(config)),
            store);
    Verbs verbs =
        new Verbs(() -> linux.system().realTimeNanos(), FaultPoints.fromProperties(linux));
    DaemonFacts facts =
        new DaemonFacts(
            config,
            linux,
            cgroups,
            networks,
            new KernelFeatures(linux, config.root(), config.cgroup().mount()));
    return new Pods(rooms, new CanonicalRequests(), verbs, threads, podSettings(), facts);
  }

  private PodSettings podSettings() {
    return new PodSettings(
        config.timeouts().verb(),
        config.timeouts().undo(),
        config.timeouts().slowStage(),
        config.mounts().shmSize(),
        config.exec().streamLimit(),
        config.exec().budget(),
        config.exec().drain());
  }

  private void serve(Vertx vertx, Pods pods, ImageStore images, BridgeNetworks networks) {
    CriFacts facts =
        new CriFacts(
            ProgramVersion.text(),
            config.cgroup().driver(),
            Map.of("", new CriFacts.HandlerFeatures(true, false)),
            false,
            true);
    try {
      started.add(
          CriServer.start(
              config.grpc(),
              ((VertxInternal) vertx).nettyEventLoopGroup(),
              pods,
              images,
              facts,
              cidrs ->
                  log.info(
                      "the cluster gives pods {}; the built-in network keeps {}",
                      cidrs,
                      networks.status().subnets())));
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, e.getMessage(), e);
    }
  }

  /** After the CRI socket, so that the first RPC does not wait for it. */
  private void serveHttp(Vertx vertx, Pods pods, ImageStore images) {
    HttpEdge http =
        started.add(
            new HttpEdge(
                vertx,
                config.http(),
                config.httpAddressFile(),
                config.apiSocket(),
                pods,
                images,
                images,
                new CollectorRegistry()));
    log.info("HTTP on {}", http.start());
  }

  /** Last of all when everything answers, and so the first to be ended: it says STOPPING. */
  private void tellServiceManager(Linux linux, Pods pods) {
    SystemdNotify manager = SystemdNotify.from(linux, System.getenv());
    Heartbeat heartbeat =
        started.add(new Heartbeat(pods, manager.watchdogInterval().orElse(HEARTBEAT_LIMIT)));
    started.add(manager);
    manager.ready("serves " + config.grpc().socket(), heartbeat);
  }

  @Override
  public void close() {
    started.close();
  }
}
