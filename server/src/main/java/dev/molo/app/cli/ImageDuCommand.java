package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Shows what the disk is used for. */
@Command(
    name = "du",
    header = "Show each layer, its size, who shares it and why it is kept.",
    description = {
      "",
      "OWN is what would come free if the image were removed; the rest is shared with other images. A"
          + " layer that nobody needs is left of a pull that failed, and waits half an hour for its retry.",
      ""
    })
final class ImageDuCommand implements Callable<Integer> {
  private static final String IMAGE = "image ";
  private static final String NONE = "<none>";

  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    JsonNode report;
    try (ApiClient api = connection.api()) {
      report = api.get("/v1/layers");
    }
    PrintWriter out = spec.commandLine().getOut();
    if (output.json()) {
      out.println(report.toPrettyString());
      return ExitCode.OK;
    }
    Table images = new Table("IMAGE", "ID", "SIZE", "OWN", "SHARED");
    Map<String, String> namesById = new HashMap<>();
    for (JsonNode image : byName(report.path("images"))) {
      String names = String.join(", ", names(image.path("repoTags")));
      namesById.put(image.path("id").asText(), names);
      images.row(
          names,
          Shown.briefId(image.path("id").asText()),
          Shown.bytes(image.path("bytes").asLong()),
          Shown.bytes(image.path("ownBytes").asLong()),
          Shown.bytes(image.path("sharedBytes").asLong()));
    }
    images.print(out);
    out.println();
    Table layers = new Table("LAYER", "SIZE", "FILES", "KEPT BY");
    long bytes = 0;
    for (JsonNode layer : report.path("layers")) {
      bytes += layer.path("bytes").asLong();
      layers.row(
          Shown.briefId(layer.path("diffId").asText()),
          Shown.bytes(layer.path("bytes").asLong()),
          layer.path("inodes").asText(),
          why(layer, namesById));
    }
    layers.print(out);
    out.println();
    out.println("%d layers, %s".formatted(report.path("layers").size(), Shown.bytes(bytes)));
    return ExitCode.OK;
  }

  private static List<JsonNode> byName(JsonNode images) {
    List<JsonNode> sorted = new ArrayList<>();
    images.forEach(sorted::add);
    sorted.sort(Comparator.comparing(image -> image.path("repoTags").path(0).asText()));
    return sorted;
  }

  private static String why(JsonNode layer, Map<String, String> namesById) {
    return layer.has("idleSeconds")
        ? "nobody for %d s: left of a pull".formatted(layer.path("idleSeconds").asLong())
        : names(layer.path("keptBy")).stream()
            .map(holder -> shown(holder, namesById))
            .collect(Collectors.joining("; "));
  }

  /**
   * Images by their names, as far as they have any, and containers by the beginning of their ids.
   */
  private static String shown(String holder, Map<String, String> namesById) {
    if (holder.matches("[0-9a-f]{64}")) {
      return "container " + Shown.briefId(holder);
    }
    if (!holder.startsWith(IMAGE)) {
      return holder;
    }
    String id = holder.substring(IMAGE.length());
    String names = namesById.getOrDefault(id, NONE);
    return IMAGE + (names.equals(NONE) ? Shown.briefId(id) : names);
  }

  private static List<String> names(JsonNode list) {
    List<String> names = new ArrayList<>();
    list.forEach(name -> names.add(name.asText()));
    return names.isEmpty() ? List.of(NONE) : names;
  }
}
