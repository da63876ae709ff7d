package dev.molo.image.registry;

import dev.molo.fault.Fault;

/**
 * One host could not or would not give what was asked; the next one may. The message names URL and
 * reason.
 */
final class HostFailure extends Exception {
  private static final long serialVersionUID = 1L;

  private final Fault kind;
  private final boolean unreachable;

  HostFailure(Fault kind, String message, Throwable cause) {
    this(kind, false, message, cause);
  }

  HostFailure(Fault kind, boolean unreachable, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.unreachable = unreachable;
  }

  Fault kind() {
    return kind;
  }

  /** Nobody answered at all: there is no point in asking this host for the next layer. */
  boolean unreachable() {
    return unreachable;
  }
}
