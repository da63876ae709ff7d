package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Pushes an image to a registry. */
@Command(
    name = "push",
    header = "Push an image to a registry.",
    description = {
      "",
      "What the registry has is not sent again. Layers whose blobs are neither there nor kept here are"
          + " compressed anew: then the manifest's digest is another, and the command says so. The"
          + " image's id is always the same.",
      ""
    })
final class ImagePushCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private CompressionOptions compression;
  @Mixin private OutputOptions output;
  @Mixin private LoginOptions login;

  @Parameters(index = "0", paramLabel = "IMAGE", description = "A name or id of an image here.")
  private String image;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "TARGET",
      description = "Where to, as registry/team/app:1.2. Default: where the image's name says.")
  private String target;

  private final Map<String, JsonNode> layers = new LinkedHashMap<>();
  private final LiveLines terminal = new LiveLines();

  @Override
  public Integer call() {
    Map<String, Object> request = new HashMap<>();
    request.put("image", image);
    if (target != null) {
      request.put("target", target);
    }
    login
        .login()
        .ifPresent(who ->
            request.put("auth", Map.of("username", who.username(), "password", who.password())));
    compression.addTo(request);
    JsonNode done;
    try (ApiClient api = connection.api()) {
      done = api.work("/v1/images/push", request, line -> hear(line.path("layer")));
    }
    PrintWriter out = spec.commandLine().getOut();
    if (output.json()) {
      out.println(done.toPrettyString());
    } else {
      if (StandardStreams.errorIsTerminal()) {
        terminal.redraw(List.of());
        layers.values().forEach(this::show);
      }
      out.println("pushed   " + done.path("reference").asText());
      ExportedLines.print(out, done.path("image"));
    }
    return ExitCode.OK;
  }

  /** A bar for each layer on a terminal, else a line for each stage of each. */
  private void hear(JsonNode layer) {
    String diffId = layer.path("diffId").asText();
    JsonNode before = layers.put(diffId, layer);
    if (output.json()) {
      return;
    }
    if (StandardStreams.errorIsTerminal()) {
      terminal.redraw(layers.values().stream().map(ImagePushCommand::bar).toList());
    } else if (before == null || !before.path("stage").equals(layer.path("stage"))) {
      show(layer);
    }
  }

  private static String bar(JsonNode layer) {
    String stage = layer.path("stage").asText();
    boolean done = !stage.equals("packing") && !stage.equals("uploading");
    return LayerBar.of(layer, layer.path("diffId").asText(), done);
  }

  private void show(JsonNode layer) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "%s %10s %s"
            .formatted(
                Shown.briefId(layer.path("diffId").asText()),
                Shown.bytes(layer.path("totalBytes").asLong()),
                layer.path("stage").asText()));
    out.flush();
  }
}
