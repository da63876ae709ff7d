package dev.molo.image;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A second docker-registry that serves what another one has, to those who show what it wants. */
final class SecuredRegistry implements AutoCloseable {
  private final Process process;
  private final int port;

  private SecuredRegistry(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /**
   * Starts it.
   *
   * @param storage of the registry that images are pushed to
   * @param http more of the configuration's section http, as {@code tls: {…}}; may be empty
   * @param auth the configuration's section auth, as {@code {htpasswd: {…}}}; may be empty
   */
  static SecuredRegistry start(Path directory, Path storage, String http, String auth)
      throws IOException, InterruptedException {
    int port;
    try (ServerSocket probe = new ServerSocket(0)) {
      port = probe.getLocalPort();
    }
    Path config = directory.resolve("secured-" + port + ".yml");
    Files.writeString(
        config,
        """
        version: 0.1
        log: {level: warn}
        storage: {filesystem: {rootdirectory: %s}}
        http: {addr: "127.0.0.1:%d"%s}
        %s
        """
            .formatted(
                storage,
                port,
                http.isEmpty() ? "" : ", " + http,
                auth.isEmpty() ? "" : "auth: " + auth));
    Process process =
        new ProcessBuilder(TestRegistry.PROGRAM.toString(), "serve", config.toString())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("secured-" + port + ".log").toFile())
            .start();
    SecuredRegistry registry = new SecuredRegistry(process, port);
    registry.awaitReady(directory.resolve("secured-" + port + ".log"));
    return registry;
  }

  private void awaitReady(Path log) throws IOException, InterruptedException {
    while (process.isAlive()) {
      try (Socket socket = new Socket(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port)) {
        if (socket.isConnected()) {
          return;
        }
      } catch (IOException e) {
        Thread.sleep(25);
      }
    }
    throw new IllegalStateException("docker-registry ended: " + Files.readString(log));
  }

  int port() {
    return port;
  }

  String address() {
    return "127.0.0.1:" + port;
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
