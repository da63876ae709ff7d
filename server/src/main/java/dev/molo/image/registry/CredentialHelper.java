package dev.molo.image.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.ExternalProgram;
import dev.molo.image.Quoted;
import dev.molo.image.RegistryAuth;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A program {@code docker-credential-NAME} on the daemon's PATH that knows credentials (docker,
 * "credential helper protocol"): {@code get} with the server on standard input, JSON on standard
 * output.
 *
 * @param file the configuration that names it, for messages
 * @param name NAME
 * @param path the folders in which it is looked for, as PATH has them
 */
record CredentialHelper(Path file, String name, String path) {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String HUB = "https://index.docker.io/v1/";

  /** What a helper says when it knows nothing of a server, which is no failure. */
  private static final String UNKNOWN = "credentials not found in native keychain";

  private static final String TOKEN_USER = "<token>";

  /** What it knows of a registry; empty when it knows nothing. */
  Optional<Credentials> get(String registry, Cancellation cancellation) {
    Path program = find();
    String server = registry.equals("docker.io") ? HUB : registry;
    ExternalProgram.Outcome outcome =
        new ExternalProgram(program, List.of("get"), LIMIT)
            .run((server + "\n").getBytes(StandardCharsets.UTF_8), cancellation);
    String said = outcome.output().strip();
    if (outcome.exitCode() != 0) {
      if (said.equals(UNKNOWN)) {
        return Optional.empty();
      }
      // Only when it fails are its words no secret.
      String words = said.isEmpty() ? outcome.errors().strip() : said;
      throw refused("exits with " + outcome.exitCode() + ": " + Quoted.plain(words));
    }
    return Optional.of(new Credentials(read(said), program.getFileName() + ", named by " + file));
  }

  private RegistryAuth read(String said) {
    JsonNode json;
    try {
      json = new ObjectMapper().readTree(said);
    } catch (IOException e) {
      // The parser's message would quote a secret.
      throw refused("says something that is not JSON");
    }
    String username = json.path("Username").asText("");
    String secret = json.path("Secret").asText("");
    if (secret.isEmpty()) {
      return RegistryAuth.anonymous();
    }
    return username.equals(TOKEN_USER)
        ? new RegistryAuth.IdentityToken(secret)
        : new RegistryAuth.Basic(username, secret);
  }

  private Path find() {
    if (!name.matches("[A-Za-z0-9_][A-Za-z0-9._-]*")) {
      throw refused("has a name that no program can have");
    }
    return Arrays.stream(path.split(File.pathSeparator))
        .filter(folder -> folder.startsWith("/"))
        .map(folder -> Path.of(folder, "docker-credential-" + name))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow(() -> refused("is not on the daemon's PATH"));
  }

  private FaultException refused(String why) {
    return new FaultException(
        Fault.FAILED_PRECONDITION,
        "registry credentials: helper docker-credential-"
            + Quoted.plain(name)
            + ", named by "
            + file
            + ", "
            + why);
  }
}
