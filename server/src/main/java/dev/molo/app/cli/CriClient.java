package dev.molo.app.cli;

import dev.molo.cri.v1.ImageServiceGrpc;
import dev.molo.cri.v1.ImageServiceGrpc.ImageServiceBlockingStub;
import dev.molo.cri.v1.RuntimeServiceGrpc;
import dev.molo.cri.v1.RuntimeServiceGrpc.RuntimeServiceBlockingStub;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * A connection to a CRI socket. Calls block; each has a deadline of its own. Thread-safe until
 * closed.
 */
final class CriClient implements AutoCloseable {
  /** Held, because the logging framework forgets the level of a logger that nobody holds. */
  private static final Logger NETTY_BOOTSTRAP = Logger.getLogger("io.netty.bootstrap");

  /** A runtime may send listings larger than grpc's 4 MiB. */
  private static final int MAX_MESSAGE = 64 << 20;

  static {
    // grpc asks for TCP keep-alive on every channel, and netty warns that a unix socket has none
    NETTY_BOOTSTRAP.setLevel(Level.SEVERE);
  }

  private final Path socket;
  private final SocketName name;
  private final EventLoopGroup group;
  private final ManagedChannel channel;
  private final int timeoutSeconds;

  private CriClient(Path socket, SocketName name, int timeoutSeconds) {
    this.socket = socket;
    this.name = name;
    this.timeoutSeconds = timeoutSeconds;
    this.group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    this.channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(name.path().toString()))
            .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
            .eventLoopGroup(group)
            // grpc sets it on every channel; a unix socket has none
            .withOption(ChannelOption.SO_KEEPALIVE, null)
            .usePlaintext()
            .overrideAuthority("localhost")
            .proxyDetector(target -> null)
            .disableRetry()
            .maxInboundMessageSize(MAX_MESSAGE)
            .build();
  }

  /**
   * Connects, and makes sure that somebody listens.
   *
   * @throws FaultException UNAVAILABLE when nobody does
   */
  static CriClient connect(Path socket, int timeoutSeconds) {
    SocketName name = SocketName.of(socket);
    try {
      // grpc would retry a missing socket until the deadline; a person wants to know at once
      name.connect().close();
      return new CriClient(socket, name, timeoutSeconds);
    } catch (RuntimeException e) {
      name.close();
      throw e;
    } catch (IOException e) {
      name.close();
      throw new UncheckedIOException(e);
    }
  }

  String endpoint() {
    return "unix://" + socket;
  }

  /** Where the daemon keeps its sockets. */
  Path runDirectory() {
    return socket.getParent();
  }

  RuntimeServiceBlockingStub runtime() {
    return RuntimeServiceGrpc.newBlockingStub(channel)
        .withInterceptors(new Deadline(timeoutSeconds));
  }

  /** For calls that have a length of their own: a stop's grace, a program's time. */
  RuntimeServiceBlockingStub runtime(long extraSeconds) {
    return RuntimeServiceGrpc.newBlockingStub(channel)
        .withInterceptors(new Deadline(timeoutSeconds + extraSeconds));
  }

  /** For a program that runs as long as it likes. */
  RuntimeServiceBlockingStub runtimeWithoutDeadline() {
    return RuntimeServiceGrpc.newBlockingStub(channel);
  }

  ImageServiceBlockingStub images() {
    return ImageServiceGrpc.newBlockingStub(channel).withInterceptors(new Deadline(timeoutSeconds));
  }

  /** For pulls. */
  ImageServiceBlockingStub imagesWithoutDeadline() {
    return ImageServiceGrpc.newBlockingStub(channel);
  }

  @Override
  public void close() {
    channel.shutdownNow();
    group.shutdownGracefully(0, 0, TimeUnit.SECONDS).awaitUninterruptibly(1, TimeUnit.SECONDS);
    name.close();
  }

  /** A deadline that begins with each call, not when the stub is made. */
  private record Deadline(long seconds) implements ClientInterceptor {
    @Override
    public <A, B> ClientCall<A, B> interceptCall(
        MethodDescriptor<A, B> method, CallOptions options, Channel next) {
      return next.newCall(method, options.withDeadlineAfter(seconds, TimeUnit.SECONDS));
    }
  }
}
