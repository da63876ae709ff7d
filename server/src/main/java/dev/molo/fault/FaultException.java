package dev.molo.fault;

import com.google.errorprone.annotations.FormatMethod;
import java.util.Objects;
import java.util.Optional;

/**
 * A failure that the caller can act on. The message is one sentence: what was tried, on what, and
 * why it failed. It never contains a credential or the value of an environment variable.
 *
 * <p>Immutable but for what {@link Throwable} itself keeps.
 */
public final class FaultException extends RuntimeException {
  private final Fault kind;
  private final ReasonWord reason;

  public FaultException(Fault kind, String message) {
    this(kind, message, null);
  }

  /**
   * @param cause what led to it; null when nothing did
   */
  public FaultException(Fault kind, String message, Throwable cause) {
    super(Objects.requireNonNull(message), cause);
    this.kind = Objects.requireNonNull(kind);
    this.reason = null;
  }

  /** A failure for which the kubelet knows a word. */
  public FaultException(Fault kind, ReasonWord reason, String message, Throwable cause) {
    super(Objects.requireNonNull(message), cause);
    this.kind = Objects.requireNonNull(kind);
    this.reason = Objects.requireNonNull(reason);
  }

  @FormatMethod
  public static FaultException invalid(String format, Object... args) {
    return new FaultException(Fault.INVALID_ARGUMENT, format.formatted(args));
  }

  @FormatMethod
  public static FaultException notFound(String format, Object... args) {
    return new FaultException(Fault.NOT_FOUND, format.formatted(args));
  }

  @FormatMethod
  public static FaultException precondition(String format, Object... args) {
    return new FaultException(Fault.FAILED_PRECONDITION, format.formatted(args));
  }

  @FormatMethod
  public static FaultException unimplemented(String format, Object... args) {
    return new FaultException(Fault.UNIMPLEMENTED, format.formatted(args));
  }

  public Fault kind() {
    return kind;
  }

  /** The kubelet's word for it, where there is one. */
  public Optional<ReasonWord> reason() {
    return Optional.ofNullable(reason);
  }
}
