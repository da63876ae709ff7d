package dev.molo.pod;

/**
 * Where a container stands, with only the facts that are true there. All times are nanoseconds
 * since the epoch.
 *
 * <pre>
 *   create ─▶ Created ──start──▶ Running ──exit──▶ Exited ──remove─▶ (gone)
 *                │  └─start failed (StartError, 128)──▲  │
 *                │                                    │  └ terminal: never changes again
 *                └─────────── reboot ─────────────────┘
 *   a record whose supervisor cannot be asked ─▶ Unknown ──stop──▶ Exited
 * </pre>
 */
public sealed interface ContainerState {
  /** Its root file system exists, its program has not been started. */
  record Created() implements ContainerState {}

  /**
   * Its program has been exec'd and its init has not ended.
   *
   * @param pid its init, as the host counts
   */
  record Running(long startedAt, int pid) implements ContainerState {}

  /**
   * Its init has ended, or never came to life. Final.
   *
   * @param startedAt 0 when it never ran
   * @param exitCode 0 to 255; 128 + n when signal n ended it
   * @param reason Completed, Error, OOMKilled, StartError, ContainerStatusUnknown
   * @param message a sentence for a person; may be empty
   */
  record Exited(long startedAt, long finishedAt, int exitCode, String reason, String message)
      implements ContainerState {}

  /** Its supervisor cannot be asked; Stop leads out of it. */
  record Unknown(String message) implements ContainerState {}
}
