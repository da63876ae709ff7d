package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Gives an image one more name. */
@Command(
    name = "tag",
    header = "Give an image one more name.",
    description = {"", "An image that had the name before loses it.", ""})
final class ImageTagCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;

  @Parameters(index = "0", paramLabel = "IMAGE", description = "A name or id of an image here.")
  private String image;

  @Parameters(index = "1", paramLabel = "NAME", description = "As registry/team/app:1.2.")
  private String name;

  @Override
  public Integer call() {
    try (ApiClient api = connection.api()) {
      JsonNode named = api.post("/v1/images/tag", Map.of("image", image, "name", name));
      ImageNames.print(spec.commandLine().getOut(), named);
    }
    return ExitCode.OK;
  }
}
