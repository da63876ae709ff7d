package dev.molo.image;

import dev.molo.Patience;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Debian's docker-registry as a process, on a loopback port that the kernel gave it. */
final class RegistryProcess implements AutoCloseable {
  static final Path PROGRAM = Path.of("/usr/bin/docker-registry");
  private static final Pattern LISTENING =
      Pattern.compile("listening on 127\\.0\\.0\\.1:(\\d+)\\D");

  private static final Duration LIMIT = Duration.ofMinutes(2);

  private final Process process;
  private final int port;

  private RegistryProcess(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /**
   * Starts it; it listens when this returns.
   *
   * @param directory for its configuration and log
   * @param storage where its content lies
   * @param http more of the configuration's section http, as {@code tls: {…}}; may be empty
   * @param sections more sections; may be empty
   */
  static RegistryProcess start(Path directory, Path storage, String http, String sections)
      throws IOException, InterruptedException {
    Path config = Files.createTempFile(directory, "registry", ".yml");
    Files.writeString(
        config,
        """
        version: 0.1
        log: {level: info, accesslog: {disabled: true}}
        storage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}
        http: {addr: "127.0.0.1:0"%s}
        %s
        """
            .formatted(storage, http.isEmpty() ? "" : ", " + http, sections));
    Path log = Path.of(config + ".log");
    Process process =
        new ProcessBuilder(PROGRAM.toString(), "serve", config.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    return new RegistryProcess(process, awaitPort(process, log));
  }

  /** It says in its log where it listens. */
  private static int awaitPort(Process process, Path log) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      boolean alive = process.isAlive() && System.nanoTime() < deadline;
      Matcher listening = LISTENING.matcher(Files.readString(log));
      if (listening.find()) {
        return Integer.parseInt(listening.group(1));
      }
      if (!alive) {
        process.destroyForcibly();
        throw new IllegalStateException(
            "docker-registry has ended, or does not listen: " + Files.readString(log));
      }
      Thread.sleep(10);
    }
  }

  int port() {
    return port;
  }

  /** {@code 127.0.0.1:port}. */
  String address() {
    return "127.0.0.1:" + port;
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        var _ = Patience.exit("docker-registry ends", process.destroyForcibly());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
