package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Takes one name away from an image. */
@Command(
    name = "untag",
    header = "Take one name away from an image.",
    description = {
      "",
      "The image stays: without a name, it is found by its id. (Removing an image by one of its names"
          + " over CRI removes it with all names.)",
      ""
    })
final class ImageUntagCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;

  @Parameters(paramLabel = "NAME", description = "As registry/team/app:1.2 or app@sha256:….")
  private String name;

  @Override
  public Integer call() {
    try (ApiClient api = connection.api()) {
      JsonNode left = api.post("/v1/images/untag", Map.of("name", name));
      ImageNames.print(spec.commandLine().getOut(), left);
    }
    return ExitCode.OK;
  }
}
