package dev.molo.image.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Quoted;
import dev.molo.image.Reference;
import dev.molo.image.RegistryAuth;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The credentials that the node's owner has left in files of {@code docker login}'s form (docker,
 * "config.json"): {@code auths}, {@code credHelpers}, {@code credsStore}. Read at each pull that
 * brings none of its own. A key of {@code auths} names a registry, or a registry and the beginning
 * of a repository; the longest that fits wins. Thread-safe.
 *
 * @param files asked in this order; one that does not exist is passed over
 * @param helperPath the folders of helpers, as PATH has them
 */
record NodeCredentials(List<Path> files, String helperPath) {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int MAX_BYTES = 1 << 20;

  NodeCredentials {
    files = List.copyOf(files);
  }

  /**
   * Credentials for a repository.
   *
   * @throws FaultException FAILED_PRECONDITION naming the file or the helper that cannot be used;
   *     the message holds nothing of a file's content
   */
  Credentials find(Reference reference, Cancellation cancellation) {
    for (Path file : files) {
      Optional<Credentials> found = find(file, reference, cancellation);
      if (found.isPresent()) {
        return found.get();
      }
    }
    return Credentials.none();
  }

  private Optional<Credentials> find(Path file, Reference reference, Cancellation cancellation) {
    Optional<JsonNode> read = read(file);
    if (read.isEmpty()) {
      return Optional.empty();
    }
    JsonNode root = read.get();
    String helper = root.path("credsStore").asText("");
    for (Map.Entry<String, JsonNode> entry : root.path("credHelpers").properties()) {
      if (normal(entry.getKey()).equals(reference.registry())) {
        helper = entry.getValue().asText("");
      }
    }
    if (!helper.isEmpty()) {
      Optional<Credentials> held =
          new CredentialHelper(file, helper, helperPath).get(reference.registry(), cancellation);
      if (held.isPresent()) {
        return held;
      }
    }
    return entry(root.path("auths"), reference)
        .map(entry -> auth(file, reference.registry(), entry))
        .filter(auth -> !(auth instanceof RegistryAuth.Anonymous))
        .map(auth -> new Credentials(auth, file.toString()));
  }

  private static Optional<JsonNode> read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw refused(file, "is longer than " + MAX_BYTES + " bytes");
      }
      JsonNode root = MAPPER.readTree(Files.readAllBytes(file));
      if (!root.isObject()) {
        throw refused(file, "is not a JSON object");
      }
      return Optional.of(root);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (JsonProcessingException e) {
      // The parser's message quotes what it read.
      throw refused(file, "is not JSON, line " + e.getLocation().getLineNr());
    } catch (IOException e) {
      throw refused(file, "cannot be read: " + e);
    }
  }

  private static Optional<JsonNode> entry(JsonNode auths, Reference reference) {
    String repository = reference.registry() + "/" + reference.repository();
    Optional<JsonNode> best = Optional.empty();
    int longest = -1;
    for (Map.Entry<String, JsonNode> entry : auths.properties()) {
      String key = normal(entry.getKey());
      if (key.length() > longest && (repository + "/").startsWith(key + "/")) {
        best = Optional.of(entry.getValue());
        longest = key.length();
      }
    }
    return best;
  }

  /** A key without scheme and API path; Docker's own registry under the name that images carry. */
  private static String normal(String key) {
    String bare = key;
    int scheme = bare.indexOf("://");
    boolean url = scheme >= 0;
    if (url) {
      bare = bare.substring(scheme + 3);
    }
    while (bare.endsWith("/")) {
      bare = bare.substring(0, bare.length() - 1);
    }
    for (String api : List.of("/v1", "/v2")) {
      if (bare.endsWith(api)) {
        bare = bare.substring(0, bare.length() - api.length());
      }
    }
    int slash = bare.indexOf('/');
    String host = slash < 0 ? bare : bare.substring(0, slash);
    String path = slash < 0 ? "" : bare.substring(slash);
    boolean hub = host.equals("index.docker.io") || host.equals("registry-1.docker.io");
    return (hub ? "docker.io" : host) + path;
  }

  private static RegistryAuth auth(Path file, String registry, JsonNode entry) {
    try {
      return RegistryAuth.of(
          registry,
          entry.path("username").asText(""),
          entry.path("password").asText(""),
          entry.path("auth").asText(""),
          "",
          entry.path("identitytoken").asText(""),
          entry.path("registrytoken").asText(""));
    } catch (FaultException e) {
      throw refused(file, "the entry for " + Quoted.plain(registry) + ": " + e.getMessage());
    }
  }

  private static FaultException refused(Path file, String why) {
    return new FaultException(
        Fault.FAILED_PRECONDITION, "registry credentials: " + file + " " + why);
  }
}
