package dev.molo.app.cli;

import picocli.CommandLine.Option;

/** How results are shown. */
final class OutputOptions {
  /** For people, or for programs. */
  enum Format {
    TABLE,
    JSON
  }

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "table",
      description = "table or json. Default: table.")
  private Format format;

  @Option(names = "--json", description = "The same as -o json.")
  private boolean json;

  boolean json() {
    return json || format == Format.JSON;
  }
}
