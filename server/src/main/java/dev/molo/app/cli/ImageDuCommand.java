package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
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
    for (JsonNode image : report.path("images")) {
      images.row(
          String.join(", ", names(image.path("repoTags"))),
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
          why(layer));
    }
    layers.print(out);
    out.println();
    out.println("%d layers, %s".formatted(report.path("layers").size(), Shown.bytes(bytes)));
    return ExitCode.OK;
  }

  private static String why(JsonNode layer) {
    return layer.has("idleSeconds")
        ? "nobody for %d s: left of a pull".formatted(layer.path("idleSeconds").asLong())
        : String.join(", ", names(layer.path("keptBy")));
  }

  private static List<String> names(JsonNode list) {
    List<String> names = new ArrayList<>();
    list.forEach(name -> names.add(name.asText()));
    return names.isEmpty() ? List.of("<none>") : names;
  }
}
