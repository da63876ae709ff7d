package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** An image in one line: its id and its names. */
final class ImageNames {
  private ImageNames() {}

  static void print(PrintWriter out, JsonNode image) {
    List<String> names = new ArrayList<>();
    image.path("repoTags").forEach(tag -> names.add(tag.asText()));
    out.println(Shown.briefId(image.path("id").asText()) + " " + all(names));
  }

  static String all(List<String> names) {
    return names.isEmpty() ? "<none>" : String.join(", ", names);
  }
}
