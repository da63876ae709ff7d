package dev.molo.image.registry;

import java.io.IOException;

/** A proxy, and not the host behind it, is why there is no connection. The message names it. */
final class ProxyFailure extends IOException {
  private static final long serialVersionUID = 1L;

  ProxyFailure(Proxies.Proxy proxy, String why, Throwable cause) {
    super("proxy " + proxy + ": " + why, cause);
  }
}
