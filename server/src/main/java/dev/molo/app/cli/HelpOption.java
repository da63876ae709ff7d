package dev.molo.app.cli;

import picocli.CommandLine.Option;

/** What every command has. */
final class HelpOption {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  /** Whether help was asked for; picocli shows it by itself. */
  boolean asked() {
    return help;
  }
}
