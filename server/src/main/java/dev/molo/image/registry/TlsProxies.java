package dev.molo.image.registry;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Requests through proxies that are themselves behind TLS, which Vert.x's client cannot do by
 * itself (ProxyOptions has no such type in 5.1). What is behind https goes through a {@link
 * TlsTunnel}; plain http is asked of the proxy with its whole URL.
 *
 * <p>The proxy's certificate is judged by the system's authorities and by the {@code ca} of the
 * host that is asked; {@code skip_verify} and client certificates are for the host, not for the
 * proxy. The tunnels' sockets lie in a folder that only root may enter, so that nobody else on the
 * machine, and no container on the host's network, uses the proxy and its credentials through them.
 * Thread-safe.
 */
final class TlsProxies implements AutoCloseable {
  /**
   * Registries, token servers and storage hosts in use at the same time; more is no node's habit.
   */
  private static final int MAX_TUNNELS = 64;

  private static final Set<PosixFilePermission> OWNER_ALONE =
      PosixFilePermissions.fromString("rwx------");

  private final Vertx vertx;
  private final HttpClients clients;
  private final HostNames names;
  private final Path sockets;
  private final Map<TlsTunnel.Hop, TlsTunnel> tunnels = new LinkedHashMap<>(16, 0.75f, true);
  private int made;
  private boolean closed;

  /** {@code sockets}: a folder of our own, made when it is needed. */
  TlsProxies(Vertx vertx, HttpClients clients, HostNames names, Path sockets) {
    this.vertx = vertx;
    this.clients = clients;
    this.names = names;
    this.sockets = sockets;
  }

  /**
   * Opens a request.
   *
   * @param options of the request as if there were no proxy
   * @param connect how long connecting to the proxy may take
   */
  Future<HttpClientRequest> request(
      Proxies.Proxy proxy, Exchange.Target target, RequestOptions options, Duration connect) {
    RegistryHost.Tls trust = new RegistryHost.Tls(false, target.tls().authorities(), List.of());
    return target.secure()
        ? tunnelled(
            new TlsTunnel.Hop(proxy, trust, target.host(), target.port(), connect.toMillis()),
            target,
            options)
        : forwarded(proxy, trust, target, options);
  }

  private Future<HttpClientRequest> forwarded(
      Proxies.Proxy proxy, RegistryHost.Tls trust, Exchange.Target target, RequestOptions options) {
    options
        .setSsl(true)
        .setHost(proxy.host())
        .setPort(proxy.port())
        .setURI(target.origin() + target.uri())
        .putHeader("Host", target.authority());
    proxy.authorization().ifPresent(secret -> options.putHeader("Proxy-Authorization", secret));
    HttpClient client = clients.get(true, trust);
    return names
        .reach(proxy.host(), proxy.port(), address -> client.request(options.setServer(address)))
        .recover(why -> Future.failedFuture(new ProxyFailure(proxy, Failures.text(why), why)));
  }

  private Future<HttpClientRequest> tunnelled(
      TlsTunnel.Hop hop, Exchange.Target target, RequestOptions options) {
    long began = System.nanoTime();
    TlsTunnel tunnel;
    try {
      tunnel = tunnel(hop);
    } catch (IOException e) {
      return Future.failedFuture(new ProxyFailure(hop.proxy(), "no way to it: " + e, e));
    }
    return tunnel
        .address()
        .onFailure(_ -> forget(hop, tunnel))
        .compose(address -> clients.get(true, target.tls()).request(options.setServer(address)))
        .recover(why -> Future.failedFuture(tunnel.explained(why, began)));
  }

  private synchronized TlsTunnel tunnel(TlsTunnel.Hop hop) throws IOException {
    if (closed) {
      throw new IOException("the daemon ends");
    }
    TlsTunnel known = tunnels.get(hop);
    if (known != null) {
      return known;
    }
    if (made == 0) {
      prepare();
    }
    TlsTunnel tunnel =
        new TlsTunnel(vertx, clients, names, hop, sockets.resolve(Integer.toString(++made)));
    tunnels.put(hop, tunnel);
    if (tunnels.size() > MAX_TUNNELS) {
      Iterator<TlsTunnel> longestUnused = tunnels.values().iterator();
      // A pull that still uses it goes on over a new connection.
      var _ = longestUnused.next().close();
      longestUnused.remove();
    }
    return tunnel;
  }

  private synchronized void forget(TlsTunnel.Hop hop, TlsTunnel tunnel) {
    tunnels.remove(hop, tunnel);
  }

  /** A daemon that was killed has left its sockets. */
  private void prepare() throws IOException {
    Files.createDirectories(sockets, PosixFilePermissions.asFileAttribute(OWNER_ALONE));
    Files.setPosixFilePermissions(sockets, OWNER_ALONE);
    try (DirectoryStream<Path> left = Files.newDirectoryStream(sockets)) {
      for (Path socket : left) {
        Files.delete(socket);
      }
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    tunnels.values().forEach(TlsTunnel::close);
    tunnels.clear();
  }
}
