package dev.molo.cri;

import dev.molo.fault.FaultException;

/** What came in for a request: a message, or why there is none. */
sealed interface Received<Q> {
  /**
   * The request.
   *
   * @throws FaultException when there is none
   */
  Q message();

  /** A message that could be read. */
  record Whole<Q>(Q message) implements Received<Q> {}

  /** One that could not. */
  record Broken<Q>(FaultException fault) implements Received<Q> {
    @Override
    public Q message() {
      throw fault;
    }
  }
}
