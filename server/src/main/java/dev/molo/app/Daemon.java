package dev.molo.app;

import dev.molo.config.MoloConfig;
import dev.molo.fault.FaultException;

/** The daemon: everything wired together, started and stopped in order. */
public final class Daemon {
  private Daemon() {}

  /**
   * Serves until the process is told to end.
   *
   * @return the exit status
   */
  @SuppressWarnings("DoNotCallSuggester") // until it is wired
  public static int run(MoloConfig config) {
    throw FaultException.unimplemented(
        "serve instance %s: this build has no wiring of the daemon yet", config.instance());
  }
}
