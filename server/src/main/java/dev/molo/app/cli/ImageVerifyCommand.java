package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks layers against their digests. */
@Command(
    name = "verify",
    header = "Check every byte and attribute of layers against their digests.",
    description = {
      "",
      "Reads the whole store, or one image. Exit code 1 says that damage was found and is still there.",
      ""
    })
final class ImageVerifyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;

  @Option(
      names = "--repair",
      description =
          "Fetch again what is damaged, and nothing else. Containers that run on it keep the old"
              + " files to their end.")
  private boolean repair;

  @Parameters(arity = "0..1", paramLabel = "IMAGE", description = "Only this image's layers.")
  private String image;

  @Override
  public Integer call() {
    Map<String, Object> request = new HashMap<>();
    request.put("repair", repair);
    if (image != null) {
      request.put("image", image);
    }
    PrintWriter out = spec.commandLine().getOut();
    List<JsonNode> layers = new ArrayList<>();
    JsonNode result;
    try (ApiClient api = connection.api()) {
      result = api.work("/v1/images/verify", request, line -> hear(line.path("layer"), layers));
    }
    if (output.json()) {
      out.println("{\"layers\": " + layers + ", \"result\": " + result + "}");
    } else {
      out.println(
          "%d sound, %d damaged, %d repaired"
              .formatted(
                  result.path("sound").asLong(),
                  result.path("damaged").asLong(),
                  result.path("repaired").asLong()));
    }
    return result.path("damaged").asLong() > 0 ? ExitCode.FAILED : ExitCode.OK;
  }

  private void hear(JsonNode layer, List<JsonNode> layers) {
    layers.add(layer);
    if (!output.json()) {
      spec.commandLine()
          .getOut()
          .println(
              "%s %10s %-8s %s"
                  .formatted(
                      Shown.briefId(layer.path("diffId").asText()),
                      Shown.bytes(layer.path("bytes").asLong()),
                      layer.path("verdict").asText(),
                      layer.path("detail").asText())
                  .stripTrailing());
      spec.commandLine().getOut().flush();
    }
  }
}
