package dev.molo.cri;

import dev.molo.config.GrpcConfig;
import dev.molo.image.Images;
import dev.molo.pod.PodRuntime;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * The CRI socket. Bytes move on event loops that the caller owns; each call runs on a virtual
 * thread. Start and stop from one thread.
 */
public final class CriServer implements AutoCloseable {
  private static final int MAX_CALLS_PER_CONNECTION = 1024;

  private static final long KEEP_ALIVE_SECONDS = 10;
  private static final long STOP_SECONDS = 5;

  private final Server server;
  private final ExecutorService calls;
  private final Path socket;

  private CriServer(Server server, ExecutorService calls, Path socket) {
    this.server = server;
    this.calls = calls;
    this.socket = socket;
  }

  /**
   * Binds the socket (a stale one of that name is replaced: whoever calls this holds the instance's
   * lock) and serves.
   *
   * @param loops epoll event loops; stay the caller's
   * @param networks hears of UpdateRuntimeConfig
   * @throws IOException when the socket cannot be bound
   */
  public static CriServer start(
      GrpcConfig config,
      EventLoopGroup loops,
      PodRuntime runtime,
      Images images,
      CriFacts facts,
      PodNetworks networks)
      throws IOException {
    Path socket = config.socket();
    Files.deleteIfExists(socket);
    ExecutorService calls =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("cri-", 0).factory());
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
            .channelType(EpollServerDomainSocketChannel.class)
            // grpc sets it on every connection, and a unix socket warns that it knows no such thing
            .withChildOption(ChannelOption.SO_KEEPALIVE, null)
            // else grpc brings a pool of its own, which keeps what one large answer took
            .withChildOption(ChannelOption.ALLOCATOR, ByteBufAllocator.DEFAULT)
            .bossEventLoopGroup(loops)
            .workerEventLoopGroup(loops)
            .executor(calls)
            .maxInboundMessageSize(Math.toIntExact(config.maxRequestBytes()))
            .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
            .permitKeepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true);
    new CriServices(runtime, images, facts, networks).definitions().forEach(builder::addService);
    Server server = builder.build();
    try {
      server.start();
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
    } catch (IOException e) {
      server.shutdownNow();
      calls.shutdown();
      throw new IOException("cannot serve CRI on " + socket + ": " + e.getMessage(), e);
    }
    return new CriServer(server, calls, socket);
  }

  /** Where clients connect. */
  public Path socket() {
    return socket;
  }

  /**
   * Takes no more calls, gives those under way a few seconds to answer, then hangs up. What they
   * began goes on or is undone by its owner; the socket's file is removed.
   */
  @Override
  public void close() {
    server.shutdown();
    try {
      if (!server.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        server.shutdownNow();
        server.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
    calls.shutdown();
    removeSocket();
  }

  private void removeSocket() {
    try {
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      // a stale socket is replaced by the next start
      org.slf4j.LoggerFactory.getLogger(CriServer.class).warn("cannot remove {}", socket, e);
    }
  }
}
