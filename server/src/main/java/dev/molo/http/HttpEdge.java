package dev.molo.http;

import dev.molo.config.HttpConfig;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.ImageOperations;
import dev.molo.image.Images;
import dev.molo.pod.PodRuntime;
import io.prometheus.client.CollectorRegistry;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The HTTP servers: one on a unix socket that only root reaches, with verbs, and one on loopback
 * that only answers questions. While the latter listens, a file names its address, so that a port
 * chosen by the kernel can be found. Thread-safe; {@link #start} and {@link #close} block their
 * caller and must not be called on an event loop.
 */
public final class HttpEdge implements AutoCloseable {
  private static final int MAX_HEADERS = 16 << 10;
  private static final int MAX_LINE = 4 << 10;
  private static final int IDLE_SECONDS = 60;
  private static final int START_SECONDS = 10;

  private final HttpConfig config;
  private final Path addressFile;
  private final Path socket;
  private final HttpServer loopback;
  private final HttpServer local;

  /**
   * Servers that do not listen yet.
   *
   * @param addressFile is written while the loopback server listens: HOST:PORT
   * @param socket the unix socket's path
   * @param registry metrics of other parts of the daemon
   */
  public HttpEdge(
      Vertx vertx,
      HttpConfig config,
      Path addressFile,
      Path socket,
      PodRuntime pods,
      Images images,
      ImageOperations operations,
      CollectorRegistry registry) {
    this.config = config;
    this.addressFile = addressFile;
    this.socket = socket;
    Routes routes = new Routes(pods, images, operations, registry);
    HttpServerOptions options =
        new HttpServerOptions()
            .setMaxHeaderSize(MAX_HEADERS)
            .setMaxInitialLineLength(MAX_LINE)
            .setCompressionSupported(false);
    this.loopback =
        vertx
            .createHttpServer(new HttpServerOptions(options).setIdleTimeout(IDLE_SECONDS))
            .requestHandler(routes.readOnly(vertx));
    // Verbs may take long without a byte, and root needs no protection from itself.
    this.local = vertx.createHttpServer(options).requestHandler(routes.whole(vertx));
  }

  /**
   * Begins to listen: on the socket always, on loopback when that is configured.
   *
   * @return what is listened on, for the log
   * @throws FaultException FAILED_PRECONDITION when the address is taken or none of ours
   */
  public String start() {
    listenOnSocket();
    if (!config.enabled()) {
      return socket.toString();
    }
    String wanted = shown(config.host(), config.port());
    await("listen for HTTP on " + wanted, loopback.listen(config.port(), config.host()));
    String address = shown(config.host(), loopback.actualPort());
    write(address);
    return socket + " and " + address;
  }

  /**
   * Bound in a folder of its own and moved into place once its mode is right, so that whatever the
   * umask is nobody else gets in. One of a daemon before is replaced: whoever calls this holds the
   * instance's lock.
   */
  private void listenOnSocket() {
    Path folder = socket.resolveSibling(".api");
    Path fresh = folder.resolve("s");
    try {
      Files.deleteIfExists(fresh);
      Files.deleteIfExists(folder);
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      await(
          "listen on " + socket, local.listen(SocketAddress.domainSocketAddress(fresh.toString())));
      Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-------"));
      Files.move(fresh, socket, StandardCopyOption.ATOMIC_MOVE);
      Files.delete(folder);
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "listen on %s: %s".formatted(socket, e), e);
    }
  }

  /** Stops listening and ends open connections. */
  @Override
  public void close() {
    try {
      Files.deleteIfExists(addressFile);
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      throw new FaultException(
          Fault.INTERNAL, "remove %s and %s: %s".formatted(addressFile, socket, e), e);
    } finally {
      await("stop the HTTP servers", Future.join(local.close(), loopback.close()));
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
