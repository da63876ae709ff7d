package dev.molo.pod;

import java.util.List;
import java.util.Map;

/**
 * Whether pods can be run, and what is slow.
 *
 * @param runtimeReady pods can be made
 * @param networkReady pods with a network of their own can be made
 * @param verbose further facts, each a JSON document by its name (config, kernel features, …)
 */
public record RuntimeCondition(
    boolean runtimeReady,
    String runtimeReason,
    String runtimeMessage,
    boolean networkReady,
    String networkReason,
    String networkMessage,
    List<SlowStage> slowStages,
    Map<String, String> verbose) {
  public RuntimeCondition {
    slowStages = List.copyOf(slowStages);
    verbose = Map.copyOf(verbose);
  }

  /**
   * A step of a verb that has been going on for over a second.
   *
   * @param since nanoseconds since the epoch
   */
  public record SlowStage(String object, String verb, String step, long since, String waitsFor) {}
}
