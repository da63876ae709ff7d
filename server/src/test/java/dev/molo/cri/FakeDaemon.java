package dev.molo.cri;

import dev.molo.config.GrpcConfig;
import dev.molo.fault.FaultException;
import dev.molo.image.ImageOperations;
import dev.molo.image.Images;
import dev.molo.image.PullProgress;
import dev.molo.pod.ExecOutcome;
import dev.molo.pod.PodRuntime;
import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerSpec;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The real gRPC edge over a runtime that only remembers: what tests of clients talk to. */
public final class FakeDaemon implements AutoCloseable {
  private final EventLoopGroup loops;
  private final CriServer server;
  private final Remembering runtime;
  private final FakeImages images;

  private FakeDaemon(Path folder) throws IOException {
    images = new FakeImages(folder);
    runtime = new Remembering(folder);
    loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    server =
        CriServer.start(
            new GrpcConfig(folder.resolve("molo.sock"), 4 << 20),
            loops,
            runtime,
            images,
            CriServerTest.facts(),
            cidrs -> {});
  }

  /** Serves on {@code folder/molo.sock}; says that its root is the folder. */
  public static FakeDaemon serve(Path folder) throws IOException {
    return new FakeDaemon(folder);
  }

  public Path socket() {
    return server.socket();
  }

  public PodRuntime runtime() {
    return runtime;
  }

  public Images images() {
    return images;
  }

  public ImageOperations imageOperations() {
    return images;
  }

  /** From now on, uploaded archives are to lie there. */
  public void scratch(Path folder) {
    images.scratch = folder;
  }

  /** From now on this pull is under way. */
  public void pulling(PullProgress now) {
    images.underWay.add(now);
  }

  /** The verbs that were called, in order. */
  public List<String> verbs() {
    return runtime.verbs;
  }

  /** From now on no container of this name can be made. */
  public void refuseContainer(String name) {
    runtime.refused = name;
  }

  /** What programs that are exec'd say, and how they end. */
  public void execSays(String stdout, String stderr, int exitCode) {
    runtime.exec =
        (command, timeout, caller) ->
            new ExecOutcome(bytes(stdout), bytes(stderr), exitCode, 0, () -> {});
  }

  @Override
  public void close() {
    server.close();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  private static final class Remembering extends FakePodRuntime {
    private final Path root;
    private volatile String refused = "";

    Remembering(Path root) {
      this.root = root;
    }

    @Override
    public ContainerId createContainer(String sandboxId, ContainerSpec spec, byte[] bytes) {
      if (spec.metadata().name().equals(refused)) {
        throw FaultException.precondition("container %s is refused by the test", refused);
      }
      return super.createContainer(sandboxId, spec, bytes);
    }

    @Override
    public Map<String, String> facts() {
      return Map.of("config", "{\"root\":\"" + root + "\"}");
    }
  }
}
