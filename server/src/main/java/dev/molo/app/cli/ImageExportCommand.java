package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes images into an archive. */
@Command(
    name = "export",
    header = "Write images into an OCI image layout or a docker archive.",
    description = {
      "",
      "The image's id is the same wherever the archive is read. Its manifest's digest is, where each"
          + " layer's blob is the one it came as; the command says which it was.",
      ""
    })
final class ImageExportCommand implements Callable<Integer> {
  /** Forms of archives. */
  enum Format {
    OCI,
    DOCKER
  }

  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private CompressionOptions compression;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description =
          "Where to: a file, - for standard output, or an empty directory or a name that ends in"
              + " / for a layout of files. Default: -.",
      defaultValue = "-")
  private String file;

  @Option(
      names = "--format",
      paramLabel = "FORM",
      defaultValue = "oci",
      description = "oci or docker (what docker load reads). Default: oci.")
  private Format format;

  @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Names or ids.")
  private List<String> images;

  @Override
  public Integer call() {
    Map<String, Object> request = new HashMap<>();
    request.put("images", images);
    request.put("format", format.name().toLowerCase(Locale.ROOT));
    compression.addTo(request);
    JsonNode done;
    try (ApiClient api = connection.api()) {
      done = isDirectory() ? intoDirectory(api, request) : asTar(api, request);
    }
    PrintWriter said = file.equals("-") ? spec.commandLine().getErr() : spec.commandLine().getOut();
    for (JsonNode image : done.path("images")) {
      ExportedLines.print(said, image);
    }
    return ExitCode.OK;
  }

  private boolean isDirectory() {
    return file.endsWith("/") || Files.isDirectory(Path.of(file));
  }

  private JsonNode intoDirectory(ApiClient api, Map<String, Object> request) {
    request.put("directory", Path.of(file).toAbsolutePath().normalize().toString());
    return api.work("/v1/images/export", request, _ -> {});
  }

  private JsonNode asTar(ApiClient api, Map<String, Object> request) {
    if (file.equals("-")) {
      if (StandardStreams.outputIsTerminal()) {
        throw FaultException.invalid(
            "export: standard output is a terminal; name a file with -f, or pipe it on");
      }
      return api.download("/v1/images/export", request, StandardStreams.output());
    }
    Path target = Path.of(file);
    try {
      return Files.exists(target) && !Files.isRegularFile(target)
          ? into(target, api, request)
          : inPlaceOf(target, api, request);
    } catch (NoSuchFileException e) {
      throw FaultException.invalid("write %s: there is no such directory", file);
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "write " + file + ": " + e, e);
    }
  }

  /** A pipe or a device is written to; it is not what a new file may take the place of. */
  private static JsonNode into(Path target, ApiClient api, Map<String, Object> request)
      throws IOException {
    try (OutputStream out = Files.newOutputStream(target, StandardOpenOption.WRITE)) {
      return api.download("/v1/images/export", request, out);
    }
  }

  /** A file is there once it is whole; what it takes the place of stays until then. */
  private static JsonNode inPlaceOf(Path file, ApiClient api, Map<String, Object> request)
      throws IOException {
    Path target = Files.exists(file) ? file.toRealPath() : file;
    Path fresh = target.resolveSibling(target.getFileName() + ".part");
    // also when the user ends the program
    fresh.toFile().deleteOnExit();
    try {
      JsonNode done;
      try (OutputStream out = Files.newOutputStream(fresh)) {
        done = api.download("/v1/images/export", request, out);
      }
      Files.move(fresh, target, StandardCopyOption.REPLACE_EXISTING);
      return done;
    } catch (IOException | RuntimeException e) {
      Files.deleteIfExists(fresh);
      throw e;
    }
  }
}
