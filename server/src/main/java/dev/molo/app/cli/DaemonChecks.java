package dev.molo.app.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.molo.cri.v1.RuntimeCondition;
import dev.molo.cri.v1.StatusRequest;
import dev.molo.cri.v1.StatusResponse;
import dev.molo.cri.v1.VersionRequest;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What {@code molo doctor} asks a running daemon: whether its sockets answer, whether it is ready,
 * and which steps of its work take too long. No daemon is no trouble.
 */
record DaemonChecks(Path socket) {
  private static final int ANSWER_SECONDS = 10;

  List<Check> run() {
    if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
      return List.of(Check.of("CRI socket", true, socket + ": no daemon runs", ""));
    }
    List<Check> checks = new ArrayList<>();
    checks.add(mode());
    try (CriClient client = CriClient.connect(socket, ANSWER_SECONDS)) {
      checks.addAll(answers(client));
    } catch (FaultException nobody) {
      checks.add(
          Check.of(
              "CRI socket",
              true,
              socket + ": left by a daemon that has ended; the next one replaces it",
              ""));
    }
    return checks;
  }

  private Check mode() {
    try {
      Set<?> permissions = Files.getPosixFilePermissions(socket, LinkOption.NOFOLLOW_LINKS);
      boolean safe = permissions.equals(PosixFilePermissions.fromString("rw-------"));
      return Check.of(
          "CRI socket's mode",
          safe,
          safe ? "0600" : permissions.toString(),
          "chmod 600 %s: whoever can open it is root".formatted(socket));
    } catch (IOException e) {
      return Check.of("CRI socket's mode", false, e.toString(), "look at " + socket);
    }
  }

  private List<Check> answers(CriClient client) {
    List<Check> checks = new ArrayList<>();
    try {
      long begin = System.nanoTime();
      String version =
          client.runtime().version(VersionRequest.getDefaultInstance()).getRuntimeVersion();
      long millis = Duration.ofNanos(System.nanoTime() - begin).toMillis();
      checks.add(
          Check.of(
              "CRI socket", true, "%s: molo %s, %d ms".formatted(socket, version, millis), ""));
      StatusResponse status =
          client.runtime().status(StatusRequest.newBuilder().setVerbose(true).build());
      status.getStatus().getConditionsList().forEach(condition -> checks.add(ready(condition)));
      slowStages(status).forEach(stage -> checks.add(slow(stage)));
    } catch (StatusRuntimeException e) {
      checks.add(
          Check.of(
              "CRI socket",
              false,
              "%s: somebody listens and does not answer: %s".formatted(socket, e.getStatus()),
              "look at the daemon's log; kill -9 it and start it again, its pods go on"));
    }
    http(socket.getParent()).ifPresent(checks::add);
    return checks;
  }

  private static Check ready(RuntimeCondition condition) {
    return Check.of(
        condition.getType(),
        condition.getStatus(),
        condition.getStatus()
            ? "true"
            : "%s: %s".formatted(condition.getReason(), condition.getMessage()),
        "see \"Network\" and \"Looking at a node\" in docs/operations.md");
  }

  /** The stages of Status's info, each as a flat object. */
  private static List<Map<String, String>> slowStages(StatusResponse status) {
    List<Map<String, String>> stages = new ArrayList<>();
    String document = status.getInfoOrDefault("slowStages", "");
    try (JsonParser parser = new JsonFactory().createParser(document)) {
      JsonToken token;
      Map<String, String> stage = new HashMap<>();
      while ((token = parser.nextToken()) != null) {
        if (token == JsonToken.VALUE_STRING) {
          stage.put(parser.currentName(), parser.getText());
        } else if (token == JsonToken.END_OBJECT && !stage.isEmpty()) {
          stages.add(stage);
          stage = new HashMap<>();
        }
      }
      return stages;
    } catch (IOException e) {
      throw new FaultException(
          Fault.INTERNAL, "read the slow stages that the daemon tells: " + e.getMessage(), e);
    }
  }

  private static Check slow(Map<String, String> stage) {
    Duration age = Duration.between(Instant.parse(stage.get("since")), Instant.now());
    String waitsFor = stage.getOrDefault("waitsFor", "");
    return Check.of(
        "%s of %s".formatted(stage.get("verb"), stage.get("object")),
        false,
        "at \"%s\" for %d s, since %s%s"
            .formatted(
                stage.get("step"),
                age.toSeconds(),
                stage.get("since"),
                waitsFor.isEmpty() ? "" : ", waits for the " + waitsFor),
        remedy(waitsFor));
  }

  private static String remedy(String waitsFor) {
    return switch (waitsFor) {
      case "disk", "log directory", "host paths of mounts" ->
          "look for a file system that hangs: processes in state D, dmesg; a stop gets through";
      case "the container's program" -> "nothing: it has its grace period";
      default -> "if it stays, see the daemon's log and dmesg; a stop gets through";
    };
  }

  private static Optional<Check> http(Path runDirectory) {
    return HttpAddress.of(runDirectory)
        .map(address -> {
          try {
            return Check.of(
                "HTTP", true, address.hostAndPort() + ": " + address.get("/healthz").strip(), "");
          } catch (FaultException e) {
            return Check.of("HTTP", false, e.getMessage(), "look at the daemon's log");
          }
        });
  }
}
