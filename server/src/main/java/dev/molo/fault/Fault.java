package dev.molo.fault;

/**
 * The kinds of failure that a caller can tell apart and act on. Each has exactly one gRPC code and
 * one HTTP status; the edges ({@code dev.molo.cri}, {@code dev.molo.http}) own that mapping.
 */
public enum Fault {
  /** A missing or malformed field, a bad reference, a path that escapes. Retrying is useless. */
  INVALID_ARGUMENT,
  /** The named object does not exist. */
  NOT_FOUND,
  /** The verb is not allowed in the object's present state, or a name is held by another object. */
  FAILED_PRECONDITION,
  /** The registry refused the credentials it was given, or wants some. */
  UNAUTHENTICATED,
  /** The caller may not do this. */
  PERMISSION_DENIED,
  /** Not now: still recovering, a registry out of reach. The same request may succeed later. */
  UNAVAILABLE,
  /** No space, memory, descriptors, addresses left. */
  RESOURCE_EXHAUSTED,
  /** The time allowed for the operation, by the caller or by us, ran out. */
  DEADLINE_EXCEEDED,
  /** The caller went away or asked to stop. */
  CANCELLED,
  /** Not built, or not offered on this host; the message names what is missing. */
  UNIMPLEMENTED,
  /** Anything else: the host misbehaves or we do. */
  INTERNAL
}
