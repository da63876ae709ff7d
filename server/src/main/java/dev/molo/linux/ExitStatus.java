package dev.molo.linux;

/** How a process ended (waitid(2)). */
public sealed interface ExitStatus {

  /** It called exit with {@code code}, 0 to 255. */
  record Exited(int code) implements ExitStatus {}

  /** A signal ended it. */
  record Killed(int signal, boolean coreDumped) implements ExitStatus {}

  /** The code that a shell and CRI show: the exit code, or 128 + signal. */
  default int shellCode() {
    return switch (this) {
      case Exited exited -> exited.code();
      case Killed killed -> 128 + killed.signal();
    };
  }
}
