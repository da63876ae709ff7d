package dev.molo.app.cli;

import dev.molo.config.Instance;
import dev.molo.fault.FaultException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which daemon is spoken to. */
final class ConnectionOptions {
  @Option(
      names = {"-e", "--endpoint"},
      paramLabel = "SOCKET",
      description =
          "The CRI socket, as a path or unix:// address. Default: that of --instance, then"
              + " $CONTAINER_RUNTIME_ENDPOINT, then /run/molo/molo.sock.")
  private String endpoint;

  @Option(
      names = "--instance",
      paramLabel = "NAME",
      description = "The daemon of this name: /run/molo-NAME/molo.sock.")
  private String instance;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "120",
      description = "How long one call may take that moves no content of images. Default: 120.")
  private int timeoutSeconds;

  CriClient connect() {
    return CriClient.connect(socket(), timeoutSeconds);
  }

  /** The daemon's HTTP interface for root, beside its CRI socket. */
  ApiClient api() {
    return ApiClient.of(apiSocket(), timeoutSeconds);
  }

  /** Where that is, when the daemon is molo. */
  Path apiSocket() {
    return socket().resolveSibling("api.sock");
  }

  /** The socket's absolute path. */
  Path socket() {
    if (endpoint != null) {
      return path("--endpoint", endpoint);
    }
    if (instance != null) {
      return new Instance(instance).run().resolve("molo.sock");
    }
    return fromEnvironment().orElseGet(() -> Instance.DEFAULT.run().resolve("molo.sock"));
  }

  /** What $CONTAINER_RUNTIME_ENDPOINT says. */
  static Optional<Path> fromEnvironment() {
    return Optional.ofNullable(System.getenv("CONTAINER_RUNTIME_ENDPOINT"))
        .filter(text -> !text.isEmpty())
        .map(text -> path("CONTAINER_RUNTIME_ENDPOINT", text));
  }

  private static Path path(String from, String text) {
    String path = text.startsWith("unix://") ? text.substring("unix://".length()) : text;
    if (path.contains("://") || path.isEmpty()) {
      throw FaultException.invalid(
          "%s %s: only unix sockets are understood, as unix:///run/molo/molo.sock", from, text);
    }
    return Path.of(path).toAbsolutePath().normalize();
  }
}
