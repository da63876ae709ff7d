package dev.molo.pod;

import java.util.List;

/**
 * Whether pods can be run, and what is slow.
 *
 * @param runtimeReady pods can be made
 * @param networkReady pods with a network of their own can be made
 */
public record RuntimeCondition(
    boolean runtimeReady,
    String runtimeReason,
    String runtimeMessage,
    boolean networkReady,
    String networkReason,
    String networkMessage,
    List<SlowStage> slowStages) {
  public RuntimeCondition {
    slowStages = List.copyOf(slowStages);
  }

  /**
   * A step of a verb that has been going on for over a second.
   *
   * @param since nanoseconds since the epoch
   */
  public record SlowStage(String object, String verb, String step, long since, String waitsFor) {}
}
