package dev.molo.image.registry;

import dev.molo.image.Quoted;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The way to one host through one proxy that is itself behind TLS: a socket of our own, whose every
 * connection is carried on in a tunnel that the proxy opens (CONNECT, over TLS). Thread-safe.
 */
final class TlsTunnel {
  private final HttpClients clients;
  private final HostNames names;
  private final Hop hop;
  private final NetServer server;
  private final Future<SocketAddress> listening;
  private final AtomicInteger opening = new AtomicInteger();
  private volatile Trouble trouble;

  /**
   * From where to where.
   *
   * @param trust how the proxy's certificate is judged
   * @param connectMillis how long connecting to the proxy may take
   */
  record Hop(
      Proxies.Proxy proxy, RegistryHost.Tls trust, String host, int port, long connectMillis) {
    String target() {
      return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
  }

  private record Trouble(Throwable why, long since) {}

  /** Begins to listen. */
  TlsTunnel(Vertx vertx, HttpClients clients, HostNames names, Hop hop, Path socket) {
    this.clients = clients;
    this.names = names;
    this.hop = hop;
    this.server = vertx.createNetServer().connectHandler(this::carry);
    SocketAddress address = SocketAddress.domainSocketAddress(socket.toString());
    this.listening =
        server
            .listen(address)
            .map(address)
            .recover(why ->
                Future.failedFuture(
                    new ProxyFailure(
                        hop.proxy(), "cannot listen on " + socket + ": " + why.getMessage(), why)));
  }

  /** Where to connect to, as soon as somebody listens there. */
  Future<SocketAddress> address() {
    return listening;
  }

  /** On the event loop of the listening socket, as is all that follows. */
  private void carry(NetSocket near) {
    near.pause();
    opening.incrementAndGet();
    // A certificate file that cannot be read fails this connection, like all else.
    Future<HttpClientRequest> request =
        Future.succeededFuture()
            .compose(_ ->
                names.reach(
                    hop.proxy().host(),
                    hop.proxy().port(),
                    address -> clients.get(true, hop.trust()).request(to(address))));
    AtomicBoolean givenUp = new AtomicBoolean();
    near.closeHandler(_ -> {
      givenUp.set(true);
      request.onSuccess(HttpClientRequest::reset);
    });
    near.exceptionHandler(_ -> near.close());
    request
        // Without a handler Vert.x logs each reset, ours included; the future tells the same.
        .compose(open -> open.exceptionHandler(_ -> {}).connect())
        .onComplete(_ -> opening.decrementAndGet())
        .onComplete(connected -> {
          if (givenUp.get()) {
            request.onSuccess(HttpClientRequest::reset);
          } else if (connected.succeeded()) {
            join(near, connected.result());
          } else {
            refuse(near, connected.cause());
          }
        });
  }

  private RequestOptions to(SocketAddress address) {
    RequestOptions options =
        new RequestOptions()
            .setMethod(HttpMethod.CONNECT)
            .setSsl(true)
            .setServer(address)
            .setHost(hop.proxy().host())
            .setPort(hop.proxy().port())
            .setURI(hop.target())
            .setConnectTimeout(hop.connectMillis())
            .putHeader("Host", hop.target());
    hop.proxy()
        .authorization()
        .ifPresent(secret -> options.putHeader("Proxy-Authorization", secret));
    return options;
  }

  private void join(NetSocket near, HttpClientResponse answer) {
    if (answer.statusCode() != 200) {
      // Its reset is no news, see above.
      answer.exceptionHandler(_ -> {}).request().reset();
      String words = Quoted.plain(answer.statusMessage());
      refuse(near, new IOException(answer.statusCode() + " " + words));
      return;
    }
    NetSocket far = answer.netSocket();
    near.closeHandler(_ -> far.close());
    far.closeHandler(_ -> near.close());
    // Each is read no faster than the other takes it; what breaks one ends both.
    var _ = far.pipeTo(near);
    var _ = near.pipeTo(far);
  }

  private void refuse(NetSocket near, Throwable why) {
    trouble = new Trouble(why, System.nanoTime());
    near.close();
  }

  /**
   * A connection that could not be made, in words that name the proxy where it is to blame.
   *
   * @param began when it was tried, by {@link System#nanoTime}
   */
  Throwable explained(Throwable failure, long began) {
    Trouble last = trouble;
    if (last != null && last.since() - began >= 0) {
      return new ProxyFailure(hop.proxy(), Failures.text(last.why()), last.why());
    }
    boolean timedOut = Failures.root(failure) instanceof SslHandshakeTimeoutException;
    return timedOut && opening.get() > 0
        ? new ProxyFailure(hop.proxy(), "it opens no way to " + hop.target(), failure)
        : failure;
  }

  /** Ends all connections; the socket goes. */
  Future<Void> close() {
    return server.close();
  }
}
