package dev.molo.image.registry;

import io.netty.handler.proxy.ProxyConnectException;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.vertx.core.http.HttpClosedException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;

/**
 * What went wrong below HTTP, in words. Messages of the network libraries hold no secrets: they
 * never see a header.
 */
final class Failures {
  /** As java.nio words ECONNRESET and EPIPE. */
  private static final Set<String> RESET =
      Set.of("Connection reset", "Connection reset by peer", "Broken pipe");

  private Failures() {}

  static String text(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof ProxyFailure) {
        return at.getMessage();
      }
    }
    Throwable cause = root(failure);
    return switch (cause) {
      case UnknownHostException e -> "the name cannot be resolved (" + e.getMessage() + ")";
      case ConnectException e -> "cannot connect: " + e.getMessage();
      case SSLException e -> "TLS: " + e.getMessage();
      case java.security.GeneralSecurityException e -> "TLS: " + e.getMessage();
      case ClosedChannelException e -> "the connection was closed";
      case TimeoutException e -> "no answer in time";
      case Throwable e -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    };
  }

  /**
   * Whether a second attempt at the same host is useless: who it is will not change within seconds.
   * One that did not come to say who it is may be quicker the next time.
   */
  static boolean isPermanent(Throwable failure) {
    Throwable cause = root(failure);
    return (cause instanceof SSLException && !(cause instanceof SslHandshakeTimeoutException))
        || cause instanceof java.security.GeneralSecurityException;
  }

  /**
   * Whether there was a connection, and it went away before it brought an answer. To who writes
   * into a connection that the other side has closed just then, it is reset.
   */
  static boolean isClosedConnection(Throwable failure) {
    Throwable cause = root(failure);
    return cause instanceof HttpClosedException
        || cause instanceof ClosedChannelException
        || (cause instanceof IOException e && RESET.contains(String.valueOf(e.getMessage())));
  }

  /** Whether no connection came about at all. */
  static boolean isNobodyThere(Throwable failure) {
    Throwable cause = root(failure);
    return cause instanceof ConnectException || cause instanceof NoRouteToHostException;
  }

  /** Whether, of a way through a proxy, it was the proxy that let nobody through. */
  static boolean isOfTheProxy(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof ProxyConnectException) {
        return true;
      }
    }
    return isNobodyThere(failure) || root(failure) instanceof UnknownHostException;
  }

  static Throwable root(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }
}
