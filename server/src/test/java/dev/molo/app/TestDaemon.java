package dev.molo.app;

import dev.molo.Patience;
import dev.molo.cri.v1.ImageServiceGrpc;
import dev.molo.cri.v1.ImageServiceGrpc.ImageServiceBlockingStub;
import dev.molo.cri.v1.RuntimeServiceGrpc;
import dev.molo.cri.v1.RuntimeServiceGrpc.RuntimeServiceBlockingStub;
import dev.molo.cri.v1.VersionRequest;
import dev.molo.image.Cancellation;
import dev.molo.image.ImageStore;
import dev.molo.image.ImageStoreSettings;
import dev.molo.image.ImportRequest;
import dev.molo.image.PullListener;
import dev.molo.image.registry.RegistryClient;
import dev.molo.image.registry.RegistrySettings;
import dev.molo.linux.RealKernel;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A daemon in a process of its own, as an instance of its own below a folder, spoken to over its
 * socket. Kill it, start it again: its pods stay.
 */
final class TestDaemon implements AutoCloseable {
  /** What the build leaves unpacked. */
  static final Path DISTRIBUTION = Path.of("target/molo").toAbsolutePath();

  /** A call that takes longer hangs. */
  private static final int CALL_SECONDS = 120;

  private static final Duration START_LIMIT = Duration.ofMinutes(2);

  private final String instance;
  private final Path folder;
  private final MultiThreadIoEventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private String http = "off";
  private Path distribution = DISTRIBUTION;
  private List<String> launcher = List.of();
  private Process process;
  private volatile ManagedChannel channel;

  TestDaemon(String instance, Path folder) throws IOException {
    this.instance = instance;
    this.folder = folder;
    Files.createDirectories(folder.resolve("config"));
    Files.createDirectories(faultPoints());
    Files.writeString(
        folder.resolve("config/config.yaml"), "cgroup:\n  missingControllers: warn\n");
  }

  /** Serves HTTP on a free port of loopback when it is started next. */
  void serveHttp() {
    http = "127.0.0.1:0";
  }

  /** The words that name this daemon to {@code molo serve} and {@code molo doctor}. */
  List<String> names() {
    return List.of(
        "--instance",
        instance,
        "--root",
        root().toString(),
        "--run",
        run().toString(),
        "--config",
        folder.resolve("config").toString());
  }

  /** What the daemon is told, instead of {@code cgroup.missingControllers: warn}. */
  void configure(String yaml) throws IOException {
    Files.writeString(folder.resolve("config/config.yaml"), yaml);
  }

  /** Brings an image in while no daemon runs. */
  void importImage(Path archive, String reference) {
    Vertx vertx = Vertx.vertx();
    try (RegistryClient registry =
            new RegistryClient(
                vertx, RegistrySettings.standard(List.of()), folder.resolve("proxies"));
        ImageStore store =
            new ImageStore(
                RealKernel.linux(),
                ImageStoreSettings.standard(root().resolve("images")),
                registry,
                Clock.systemUTC())) {
      store.importArchive(
          new ImportRequest(archive, Optional.of(reference)),
          Cancellation.create(),
          PullListener.none());
    } finally {
      end(vertx);
    }
  }

  private static void end(Vertx vertx) {
    try {
      vertx.close().await(60, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("Vert.x does not end", e);
    }
  }

  Path root() {
    return folder.resolve("root");
  }

  Path run() {
    return folder.resolve("run");
  }

  Path log() {
    return folder.resolve("daemon.log");
  }

  private Path faultPoints() {
    return folder.resolve("faultPoints");
  }

  /** From now on it is started by this command, which execs what follows. */
  void launchBy(String... command) {
    launcher = List.of(command);
  }

  /** From now on another build of it is started. */
  void install(Path other) {
    distribution = other;
  }

  /**
   * The next daemon, or the one that runs, ends at a step: see {@link FaultPoints}.
   *
   * @param how KILL or TERM
   * @param times the step is to be reached until then
   */
  void strike(String how, int times, int microsLater, String step) throws IOException {
    Path written = faultPoints().resolve("written");
    Files.writeString(written, "%s %d %d %s".formatted(how, times, microsLater, step));
    Files.move(written, faultPoints().resolve(FaultPoints.ARMED), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Whether a strike waits for its step. */
  boolean isArmed() {
    return Files.exists(faultPoints().resolve(FaultPoints.ARMED));
  }

  void disarm() throws IOException {
    Files.deleteIfExists(faultPoints().resolve(FaultPoints.ARMED));
  }

  /** From now on this step hangs. */
  void hold(String step) throws IOException {
    Files.writeString(faultPoints().resolve(FaultPoints.HELD), step);
  }

  void letGo() throws IOException {
    Files.deleteIfExists(faultPoints().resolve(FaultPoints.HELD));
  }

  /** All steps that verbs have reached so far, whichever daemon ran them. */
  List<String> stepsReached() throws IOException {
    Path steps = faultPoints().resolve(FaultPoints.STEPS);
    return Files.exists(steps) ? Files.readAllLines(steps) : List.of();
  }

  /** Starts it and waits until all of it is served: HTTP comes after the first answer to CRI. */
  void start() throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(launcher);
    command.addAll(List.of(distribution.resolve("bin/molo").toString(), "serve"));
    command.addAll(names());
    command.addAll(List.of("--http", http));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()));
    builder
        .environment()
        .put("MOLO_JAVA_OPTIONS", "-D%s=%s".formatted(FaultPoints.FOLDER, faultPoints()));
    long saidBefore = Files.exists(log()) ? Files.size(log()) : 0;
    process = builder.start();
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    awaitFirstAnswer(deadline);
    while (!saidSince(saidBefore).contains("instance " + instance + " serves ")) {
      requireStarting(deadline, null);
      Thread.sleep(5);
    }
  }

  /** What its log has got since it had this many bytes. */
  String saidSince(long bytes) throws IOException {
    byte[] all = Files.readAllBytes(log());
    return new String(all, (int) bytes, all.length - (int) bytes, StandardCharsets.UTF_8);
  }

  private void requireStarting(long deadline, StatusRuntimeException refused) throws IOException {
    if (!process.isAlive() || System.nanoTime() > deadline) {
      throw new IOException("the daemon did not start:\n" + Files.readString(log()), refused);
    }
  }

  private void awaitFirstAnswer(long deadline) throws IOException, InterruptedException {
    while (true) {
      ManagedChannel fresh = connect();
      try {
        stub(fresh).version(VersionRequest.getDefaultInstance());
        hangUp();
        channel = fresh;
        return;
      } catch (StatusRuntimeException notYet) {
        fresh.shutdownNow();
        requireStarting(deadline, notYet);
        Thread.sleep(20);
      }
    }
  }

  private ManagedChannel connect() {
    return NettyChannelBuilder.forAddress(
            new DomainSocketAddress(run().resolve("molo.sock").toString()))
        .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
        .eventLoopGroup(loops)
        // grpc sets it on every channel; a unix socket has none
        .withOption(ChannelOption.SO_KEEPALIVE, null)
        .usePlaintext()
        .overrideAuthority("localhost")
        .proxyDetector(target -> null)
        .build();
  }

  private void hangUp() {
    if (channel != null) {
      channel.shutdownNow();
    }
  }

  /** To the daemon that was started last; safe from many threads. */
  RuntimeServiceBlockingStub cri() {
    return stub(channel);
  }

  private static RuntimeServiceBlockingStub stub(ManagedChannel channel) {
    return RuntimeServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
  }

  ImageServiceBlockingStub images() {
    return ImageServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
  }

  boolean isAlive() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  /** Its exit status, once it has ended by itself. */
  int awaitEnd() throws InterruptedException {
    if (!process.waitFor(CALL_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException("the daemon goes on");
    }
    return process.exitValue();
  }

  /** kill -9. */
  void kill() throws InterruptedException {
    var _ = Patience.exit("the killed daemon ends", process.destroyForcibly());
  }

  /** SIGTERM, and waits for the orderly end. */
  int stop() throws InterruptedException {
    process.destroy();
    return awaitEnd();
  }

  @Override
  public void close() {
    hangUp();
    if (process != null && process.isAlive()) {
      try {
        stop();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    loops.shutdownGracefully(0, 0, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}
