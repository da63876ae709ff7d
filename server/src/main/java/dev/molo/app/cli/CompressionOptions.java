package dev.molo.app.cli;

import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Option;

/** How layers are compressed on their way out. */
final class CompressionOptions {
  /** Formats. */
  enum Kind {
    GZIP,
    ZSTD,
    NONE
  }

  @Option(
      names = "--compression",
      paramLabel = "KIND",
      description =
          "gzip, zstd or none. Default: the blob that a layer came as where it is kept"
              + " (images.keepBlobs), else gzip.")
  private Kind kind;

  @Option(
      names = "--level",
      paramLabel = "N",
      description = "1 to 9 with gzip (6), 1 to 19 with zstd (3).")
  private Integer level;

  void addTo(Map<String, Object> request) {
    if (kind != null) {
      request.put("compression", kind.name().toLowerCase(Locale.ROOT));
    }
    if (level != null) {
      request.put("level", level);
    }
  }
}
