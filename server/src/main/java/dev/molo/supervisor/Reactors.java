package dev.molo.supervisor;

import dev.molo.linux.Linux;

/** Owns the one reactor that {@link NativeSupervisors} and {@link NativeMounter} share. */
public final class Reactors implements AutoCloseable {
  private final Reactor reactor;

  /** Starts its thread. */
  public Reactors(Linux linux) {
    this.reactor = new Reactor(linux);
  }

  Reactor reactor() {
    return reactor;
  }

  @Override
  public void close() {
    reactor.close();
  }
}
