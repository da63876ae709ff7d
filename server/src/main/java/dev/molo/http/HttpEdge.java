package dev.molo.http;

import dev.molo.config.HttpConfig;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Images;
import dev.molo.pod.PodRuntime;
import io.prometheus.client.CollectorRegistry;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The HTTP server. While it listens, a file names its address, so that a port chosen by the kernel
 * can be found. Thread-safe; {@link #start} and {@link #close} block their caller and must not be
 * called on an event loop.
 */
public final class HttpEdge implements AutoCloseable {
  private static final int MAX_HEADERS = 16 << 10;
  private static final int MAX_LINE = 4 << 10;
  private static final int IDLE_SECONDS = 60;
  private static final int START_SECONDS = 10;

  private final HttpConfig config;
  private final Path addressFile;
  private final HttpServer server;

  /**
   * A server that does not listen yet.
   *
   * @param addressFile is written while the server listens: HOST:PORT
   * @param registry metrics of other parts of the daemon
   */
  public HttpEdge(
      Vertx vertx,
      HttpConfig config,
      Path addressFile,
      PodRuntime pods,
      Images images,
      CollectorRegistry registry) {
    this.config = config;
    this.addressFile = addressFile;
    this.server =
        vertx
            .createHttpServer(
                new HttpServerOptions()
                    .setMaxHeaderSize(MAX_HEADERS)
                    .setMaxInitialLineLength(MAX_LINE)
                    .setIdleTimeout(IDLE_SECONDS)
                    .setCompressionSupported(false))
            .requestHandler(Routes.of(vertx, pods, images, registry));
  }

  /**
   * Begins to listen.
   *
   * @return HOST:PORT
   * @throws FaultException FAILED_PRECONDITION when the address is taken or none of ours
   */
  public String start() {
    String wanted = shown(config.host(), config.port());
    await("listen for HTTP on " + wanted, server.listen(config.port(), config.host()));
    String address = shown(config.host(), server.actualPort());
    write(address);
    return address;
  }

  /** Stops listening and ends open connections. */
  @Override
  public void close() {
    try {
      Files.deleteIfExists(addressFile);
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "remove %s: %s".formatted(addressFile, e), e);
    } finally {
      await("stop the HTTP server", server.close());
    }
  }

  private void write(String address) {
    Path fresh = addressFile.resolveSibling(addressFile.getFileName() + ".new");
    try {
      Files.writeString(fresh, address + "\n");
      Files.move(fresh, addressFile, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IllegalStateException("one folder, one file system", e);
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "write %s: %s".formatted(addressFile, e), e);
    }
  }

  private static String shown(String host, int port) {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }

  private static void await(String what, Future<?> future) {
    try {
      future.toCompletionStage().toCompletableFuture().get(START_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new FaultException(
          Fault.FAILED_PRECONDITION, what + ": " + e.getCause().getMessage(), e.getCause());
    } catch (TimeoutException e) {
      throw new FaultException(Fault.DEADLINE_EXCEEDED, what + ": no answer in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FaultException(Fault.CANCELLED, what + ": interrupted", e);
    }
  }
}
