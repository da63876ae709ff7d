package dev.molo.app.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.molo.cri.v1.StatusRequest;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** What a running daemon says of its configuration; another runtime says nothing of the kind. */
final class DaemonConfig {
  private DaemonConfig() {}

  /** The folder of its images and pods. */
  static Optional<Path> root(CriClient client) {
    return Optional.ofNullable(
            client
                .runtime()
                .status(StatusRequest.newBuilder().setVerbose(true).build())
                .getInfoMap()
                .get("config"))
        .flatMap(document -> text(document, "root"))
        .filter(path -> path.startsWith("/"))
        .map(Path::of);
  }

  /** A text at the top of a document. */
  private static Optional<String> text(String document, String name) {
    try (JsonParser parser = new JsonFactory().createParser(document)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return Optional.empty();
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean wanted = parser.currentName().equals(name);
        if (parser.nextToken() == JsonToken.VALUE_STRING && wanted) {
          return Optional.of(parser.getText());
        }
        parser.skipChildren();
      }
      return Optional.empty();
    } catch (IOException e) {
      throw new FaultException(
          Fault.INTERNAL, "read the configuration that the daemon tells: " + e.getMessage(), e);
    }
  }
}
