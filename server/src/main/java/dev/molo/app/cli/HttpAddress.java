package dev.molo.app.cli;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a daemon serves HTTP, as its run folder says.
 *
 * @param hostAndPort as 127.0.0.1:7780
 */
record HttpAddress(String hostAndPort) {
  private static final int CONNECT_MILLIS = 5000;
  private static final int READ_MILLIS = 10_000;
  private static final int MAX_BYTES = 64 << 20;

  /** Empty when it serves none, or is not molo. */
  static Optional<HttpAddress> of(Path runDirectory) {
    try {
      return Optional.of(
          new HttpAddress(Files.readString(runDirectory.resolve("http.address")).strip()));
    } catch (IOException e) {
      // no such file: HTTP is off, or another runtime; an unreadable one is as good as none
      return Optional.empty();
    }
  }

  /**
   * Fetches a document.
   *
   * @throws FaultException UNAVAILABLE when it cannot be had
   */
  String get(String path) {
    try {
      HttpURLConnection connection =
          (HttpURLConnection) URI.create("http://" + hostAndPort + path).toURL().openConnection();
      connection.setConnectTimeout(CONNECT_MILLIS);
      connection.setReadTimeout(READ_MILLIS);
      try (InputStream body = connection.getInputStream()) {
        return new String(body.readNBytes(MAX_BYTES), StandardCharsets.UTF_8);
      } finally {
        connection.disconnect();
      }
    } catch (IOException e) {
      throw new FaultException(
          Fault.UNAVAILABLE, "get http://%s%s: %s".formatted(hostAndPort, path, e), e);
    }
  }
}
