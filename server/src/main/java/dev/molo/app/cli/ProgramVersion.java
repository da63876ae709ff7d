package dev.molo.app.cli;

import java.util.Optional;

/** This build's version, from the jar's manifest. */
final class ProgramVersion {
  private ProgramVersion() {}

  /** As in {@code 0.1.0}; {@code unpackaged} when run from class files. */
  static String text() {
    return Optional.ofNullable(ProgramVersion.class.getPackage().getImplementationVersion())
        .orElse("unpackaged");
  }
}
