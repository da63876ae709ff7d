package dev.molo.supervisor;

import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How containers ended, as their supervisors wrote it down: {@code RUN/pods/POD/exits/CONTAINER},
 * lines of "key value" (docs/supervisor-protocol.md). For when the supervisor cannot be asked.
 *
 * <p>Stateless, thread-safe.
 */
public final class ExitRecords {
  private static final Logger log = LoggerFactory.getLogger(ExitRecords.class);
  private static final int MAX_BYTES = 4096;

  private final Path pods;

  /**
   * Reads nothing yet.
   *
   * @param run the instance's folder for sockets
   */
  public ExitRecords(Path run) {
    this.pods = run.resolve("pods");
  }

  /** Empty when there is none, or none that makes sense (which is logged). */
  public Optional<ExitRecord> read(SandboxId pod, ContainerId container) {
    Path file = pods.resolve(pod.value()).resolve("exits").resolve(container.value());
    try {
      if (Files.size(file) > MAX_BYTES) {
        log.warn("exit record {} is larger than any: it is ignored", file);
        return Optional.empty();
      }
      return parse(container, Files.readString(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | IllegalArgumentException e) {
      log.warn("exit record {} cannot be read: it is ignored", file, e);
      return Optional.empty();
    }
  }

  static Optional<ExitRecord> parse(ContainerId container, String text) {
    Map<String, String> values = new HashMap<>();
    for (String line : text.split("\n")) {
      int space = line.indexOf(' ');
      if (space > 0) {
        values.put(line.substring(0, space), line.substring(space + 1));
      }
    }
    if (!"1".equals(values.get("molo-exit"))
        || !container.value().equals(values.get("container"))) {
      throw new IllegalArgumentException("not an exit record of container " + container);
    }
    return Optional.of(
        new ExitRecord(
            container,
            number(values, "started"),
            new ProcessExit(
                number(values, "finished"),
                Math.toIntExact(number(values, "code")),
                Math.toIntExact(number(values, "signal"))),
            number(values, "oom_kills")));
  }

  private static long number(Map<String, String> values, String key) {
    String value = values.get(key);
    if (value == null) {
      throw new IllegalArgumentException("no " + key);
    }
    return Long.parseUnsignedLong(value);
  }
}
