package dev.molo.supervisor;

import dev.molo.linux.LinuxException;

/**
 * An operation of a launch plan failed; nothing of the process is left.
 *
 * <p>The detail says what was tried, on what: {@code attach at /data}.
 */
public final class LaunchFailure extends LinuxException {
  private static final long serialVersionUID = 1L;

  private final int operation;

  /**
   * @param operation index in the plan, from 0; -1 when it was none of the plan's
   * @param call the kernel's call or the operation's name
   */
  public LaunchFailure(int operation, String call, int errno, String detail) {
    super(call, errno, detail);
    this.operation = operation;
  }

  /** Index of the failing operation in its plan, from 0; -1 when it was none of the plan's. */
  public int operation() {
    return operation;
  }
}
