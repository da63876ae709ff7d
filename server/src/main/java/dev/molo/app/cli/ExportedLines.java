package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;

/** What is said of an image that has left. */
final class ExportedLines {
  private ExportedLines() {}

  static void print(PrintWriter out, JsonNode image) {
    out.println("image    " + image.path("id").asText());
    if (!image.path("digest").isTextual()) {
      return;
    }
    boolean same = image.path("sameManifest").asBoolean();
    out.println(
        "manifest %s (%s)"
            .formatted(
                image.path("digest").asText(),
                same ? "the one it came with" : "new: layers were compressed anew"));
  }
}
