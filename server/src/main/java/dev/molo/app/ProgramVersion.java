package dev.molo.app;

import java.util.Optional;

/** This build's version, from the jar's manifest. */
public final class ProgramVersion {
  private ProgramVersion() {}

  /** As in {@code 0.1.0}; {@code unpackaged} when run from class files. */
  public static String text() {
    return Optional.ofNullable(ProgramVersion.class.getPackage().getImplementationVersion())
        .orElse("unpackaged");
  }
}
