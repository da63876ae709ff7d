package dev.molo.cri;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.LinuxException;
import io.grpc.Status;
import java.io.IOException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one place where a failure becomes a gRPC status: {@link FaultException} by its kind, {@link
 * LinuxException} by its errno, anything else is a bug. What turns into INTERNAL is logged here,
 * once, with its stack; nobody else logs what a call answers.
 */
final class FaultStatus {
  private static final Logger LOG = LoggerFactory.getLogger(FaultStatus.class);

  /** gRPC sends the text as a header, percent-encoded, and clients take 8 KiB of headers. */
  private static final int MAX_DESCRIPTION = 2000;

  private FaultStatus() {}

  /**
   * The status that answers a call.
   *
   * @param call its name, for the log
   */
  static Status of(String call, Throwable failure) {
    Throwable cause = unwrapped(failure);
    Status.Code code = code(cause);
    if (code == Status.Code.INTERNAL) {
      LOG.error("{} failed", call, failure);
    } else if (code == Status.Code.RESOURCE_EXHAUSTED) {
      LOG.warn("{}: {}", call, cause.toString());
    } else {
      LOG.debug("{}: {} {}", call, code, cause.getMessage());
    }
    return code.toStatus().withDescription(bounded(description(call, cause)));
  }

  private static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static Status.Code code(Throwable cause) {
    return switch (cause) {
      case FaultException fault -> code(fault.kind());
      case LinuxException refused -> code(refused);
      case IOException io -> isFull(io) ? Status.Code.RESOURCE_EXHAUSTED : Status.Code.INTERNAL;
      case java.io.UncheckedIOException io ->
          isFull(io.getCause()) ? Status.Code.RESOURCE_EXHAUSTED : Status.Code.INTERNAL;
      case OutOfMemoryError ignored -> Status.Code.RESOURCE_EXHAUSTED;
      default -> Status.Code.INTERNAL;
    };
  }

  private static Status.Code code(Fault kind) {
    return switch (kind) {
      case INVALID_ARGUMENT -> Status.Code.INVALID_ARGUMENT;
      case NOT_FOUND -> Status.Code.NOT_FOUND;
      case FAILED_PRECONDITION -> Status.Code.FAILED_PRECONDITION;
      case UNAUTHENTICATED -> Status.Code.UNAUTHENTICATED;
      case PERMISSION_DENIED -> Status.Code.PERMISSION_DENIED;
      case UNAVAILABLE -> Status.Code.UNAVAILABLE;
      case RESOURCE_EXHAUSTED -> Status.Code.RESOURCE_EXHAUSTED;
      case DEADLINE_EXCEEDED -> Status.Code.DEADLINE_EXCEEDED;
      case CANCELLED -> Status.Code.CANCELLED;
      case UNIMPLEMENTED -> Status.Code.UNIMPLEMENTED;
      case INTERNAL -> Status.Code.INTERNAL;
    };
  }

  private static Status.Code code(LinuxException refused) {
    return switch (refused.errno()) {
      case ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM -> Status.Code.RESOURCE_EXHAUSTED;
      default -> Status.Code.INTERNAL;
    };
  }

  /** The JDK gives no errno, only the C library's text for it. */
  private static boolean isFull(IOException io) {
    String text = String.valueOf(io.getMessage());
    return text.contains("No space left on device")
        || text.contains("Disk quota exceeded")
        || text.contains("Too many open files");
  }

  /** The kubelet looks for its reason words at the start of the text. */
  private static String description(String call, Throwable cause) {
    return switch (cause) {
      case FaultException fault ->
          fault.reason().map(word -> word + ": ").orElse("") + fault.getMessage();
      case LinuxException refused -> refused.getMessage();
      case OutOfMemoryError ignored -> call + ": the daemon's heap is full";
      default -> call + ": internal error: " + cause;
    };
  }

  private static String bounded(String text) {
    return text.length() <= MAX_DESCRIPTION ? text : text.substring(0, MAX_DESCRIPTION) + "…";
  }
}
