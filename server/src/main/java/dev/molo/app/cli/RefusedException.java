package dev.molo.app.cli;

import dev.molo.fault.Fault;

/** What a daemon said no with. What this program finds out by itself is a FaultException. */
final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Fault kind;

  RefusedException(Fault kind, String message) {
    super(message);
    this.kind = kind;
  }

  Fault kind() {
    return kind;
  }
}
