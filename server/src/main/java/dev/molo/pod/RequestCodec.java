package dev.molo.pod;

import dev.molo.spec.ContainerSpec;
import dev.molo.spec.SandboxSpec;

/**
 * Reads a request's canonical bytes again. Implemented by the gRPC edge, which made them: the bytes
 * are the record on disk, so what was asked for has one mapping only. Thread-safe, stateless.
 */
public interface RequestCodec {
  /**
   * The sandbox that these bytes ask for.
   *
   * @throws dev.molo.fault.FaultException INVALID_ARGUMENT when they cannot be read
   */
  SandboxSpec sandbox(byte[] canonical);

  /** The container that these bytes ask for; failures as {@link #sandbox}. */
  ContainerSpec container(byte[] canonical);

  /** The path of the first field in which two sandbox requests differ: "config.labels". */
  String sandboxDifference(byte[] held, byte[] asked);

  /** The path of the first field in which two container requests differ. */
  String containerDifference(byte[] held, byte[] asked);
}
