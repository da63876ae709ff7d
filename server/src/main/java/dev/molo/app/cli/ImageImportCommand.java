package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
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
      for (JsonNode image : bringIn(api, query).path("images")) {
        ImageNames.print(spec.commandLine().getOut(), image);
      }
    }
    return ExitCode.OK;
  }

  private JsonNode bringIn(ApiClient api, String query) {
    if (file.equals("-")) {
      if (StandardStreams.inputIsTerminal()) {
        throw FaultException.invalid(
            "import: standard input is a terminal; name a file, or pipe an archive in");
      }
      return api.upload("/v1/images/import?" + query, System.in, _ -> {});
    }
    Path source = Path.of(file);
    if (!Files.exists(source)) {
      throw FaultException.notFound("import %s: there is no such file or directory", file);
    }
    Optional<String> path = pathForTheDaemon(source);
    if (path.isPresent()) {
      String where = "path=" + encoded(path.get()) + "&" + query;
      return api.work("/v1/images/import?" + where, Map.of(), _ -> {});
    }
    try (InputStream content = Files.newInputStream(source)) {
      return api.upload("/v1/images/import?" + query, content, _ -> {});
    } catch (IOException e) {
      throw new FaultException(Fault.INVALID_ARGUMENT, "read " + file + ": " + e, e);
    }
  }

  /** Empty for a pipe, and for what only this process has: {@code /dev/stdin}, {@code <(…)}. */
  private static Optional<String> pathForTheDaemon(Path source) {
    if (!Files.isRegularFile(source) && !Files.isDirectory(source)) {
      return Optional.empty();
    }
    try {
      return Optional.of(source.toRealPath().toString());
    } catch (IOException e) {
      // open here, but under no name any more
      return Optional.empty();
    }
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
