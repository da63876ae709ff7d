package dev.molo.app.cli;

/** What the program's exit status says. Documented in {@code molo --help}. */
final class ExitCode {
  static final int OK = 0;

  /** It was tried and failed; stderr says why. */
  static final int FAILED = 1;

  /** The command line, the manifest or the configuration is wrong; nothing was tried. */
  static final int USAGE = 2;

  /** The pod, container or image does not exist. */
  static final int NOT_FOUND = 3;

  /** No daemon answers at the endpoint. */
  static final int UNREACHABLE = 4;

  private ExitCode() {}
}
