package dev.molo.image.layer;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.LinuxException;
import java.io.IOException;
import java.nio.file.FileSystemException;

/** What the kernel refused, as a caller can act on it. */
public final class LayerFaults {
  private LayerFaults() {}

  /** A system call failed while {@code what} was done. */
  public static FaultException of(String what, LinuxException e) {
    Fault kind =
        switch (e.errno()) {
          case ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM -> Fault.RESOURCE_EXHAUSTED;
          case ENAMETOOLONG -> Fault.INVALID_ARGUMENT;
          default -> Fault.INTERNAL;
        };
    return new FaultException(kind, what + ": " + e.getMessage(), e);
  }

  /** The same for the JDK's file operations, which carry the errno as a text. */
  public static FaultException of(String what, IOException e) {
    String reason =
        e instanceof FileSystemException f && f.getReason() != null ? f.getReason() : e.toString();
    boolean full =
        reason.contains("No space left")
            || reason.contains("quota")
            || reason.contains("Too many open files");
    return new FaultException(
        full ? Fault.RESOURCE_EXHAUSTED : Fault.INTERNAL, what + ": " + reason, e);
  }
}
