package dev.molo.image.registry;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.function.Function;

/**
 * Where hosts are, as this machine's own resolver says at the moment (/etc/hosts, resolv.conf,
 * whatever nsswitch.conf names): Vert.x's reads these files once, and a node's network may come up
 * after the daemon, or change. Lookups block, on Vert.x's worker threads. Thread-safe.
 */
record HostNames(Vertx vertx) {

  /**
   * Tries the addresses of a host in turn, until one takes the connection.
   *
   * @param host name or address
   * @param attempt connects to one of them
   */
  <T> Future<T> reach(String host, int port, Function<SocketAddress, Future<T>> attempt) {
    InetAddress literal;
    try {
      literal = InetAddress.ofLiteral(host);
    } catch (IllegalArgumentException name) {
      // What comes of it stays on one event loop: an answer's handlers must not come late.
      return vertx
          .executeBlocking(() -> List.of(InetAddress.getAllByName(host)), false)
          .compose(addresses -> first(addresses, port, attempt));
    }
    return attempt.apply(at(literal, port));
  }

  private static <T> Future<T> first(
      List<InetAddress> addresses, int port, Function<SocketAddress, Future<T>> attempt) {
    Future<T> tried = attempt.apply(at(addresses.getFirst(), port));
    return addresses.size() == 1
        ? tried
        : tried.recover(why ->
            Failures.isNobodyThere(why)
                ? first(addresses.subList(1, addresses.size()), port, attempt)
                : Future.failedFuture(why));
  }

  private static SocketAddress at(InetAddress address, int port) {
    return SocketAddress.inetSocketAddress(port, address.getHostAddress());
  }
}
