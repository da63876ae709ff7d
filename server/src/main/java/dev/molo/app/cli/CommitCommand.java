package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes an image of a container. */
@Command(
    name = "commit",
    header = "Make an image of a container's image and its writable layer.",
    description = {
      "",
      "What is in volumes is not in it. The container is not paused: what its programs write at the"
          + " same moment may be in it or not.",
      ""
    })
final class CommitCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;

  @Option(
      names = "--author",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "For the image's history.")
  private String author;

  @Option(
      names = "--comment",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "For the image's history.")
  private String comment;

  @Parameters(index = "0", paramLabel = "CONTAINER", description = Targets.HELP)
  private String container;

  @Parameters(index = "1", paramLabel = "NAME", description = "The new image's name.")
  private String name;

  @Override
  public Integer call() {
    String id;
    try (CriClient client = connection.connect()) {
      id = Targets.of(client).container(container).getId();
    }
    try (ApiClient api = connection.api()) {
      JsonNode image =
          api.work(
              "/v1/containers/" + id + "/commit",
              Map.of("name", name, "author", author, "comment", comment),
              _ -> {});
      ImageNames.print(spec.commandLine().getOut(), image);
    }
    return ExitCode.OK;
  }
}
