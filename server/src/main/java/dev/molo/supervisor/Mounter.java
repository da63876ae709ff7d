package dev.molo.supervisor;

import dev.molo.linux.Fd;
import java.time.Duration;

/**
 * Makes detached overlay mounts in a mount namespace of its own, so that the host's table never
 * shows them. The real one is {@link NativeMounter}. Thread-safe; several requests may be in
 * flight.
 */
public interface Mounter extends AutoCloseable {

  /**
   * Mounts an overlay and returns it as a detached mount, which lives as long as the descriptor or
   * until it is attached somewhere.
   *
   * @throws dev.molo.linux.LinuxException what the kernel refused; ETIMEDOUT
   * @throws dev.molo.fault.FaultException UNAVAILABLE when the mounter has ended
   */
  Fd overlay(OverlayRequest request, Duration limit);

  /** Ends the mounter; mounts that it made live on. */
  @Override
  void close();
}
