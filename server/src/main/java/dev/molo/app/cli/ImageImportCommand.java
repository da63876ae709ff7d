package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Brings in the images of an archive. */
@Command(
    name = "import",
    header = "Bring in the images of an OCI image layout or a docker archive.",
    description = {
      "",
      "A tar, plain or compressed with gzip or zstd, or a directory with a layout's files.",
      ""
    })
final class ImageImportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "The name for the one image in the archive, instead of what the archive says.")
  private String name;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      defaultValue = "-",
      description = "A file, a directory, or - for standard input. Default: -.")
  private String file;

  @Override
  public Integer call() {
    String query = name == null ? "" : "name=" + encoded(name);
    try (ApiClient api = connection.api()) {
      JsonNode done;
      if (file.equals("-")) {
        done = api.upload("/v1/images/import?" + query, System.in, _ -> {});
      } else {
        String path = Path.of(file).toAbsolutePath().normalize().toString();
        done = api.work("/v1/images/import?path=" + encoded(path) + "&" + query, Map.of(), _ -> {});
      }
      for (JsonNode image : done.path("images")) {
        ImageNames.print(spec.commandLine().getOut(), image);
      }
    }
    return ExitCode.OK;
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
