package dev.molo.http;

import dev.molo.pod.RuntimeCondition;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;

/** {@code /readyz}: whether pods can be run, why not, and what is slow. */
final class ReadinessDocument {
  private ReadinessDocument() {}

  static boolean ready(RuntimeCondition condition) {
    return condition.runtimeReady() && condition.networkReady();
  }

  static JsonObject of(RuntimeCondition condition) {
    JsonArray slow = new JsonArray();
    for (RuntimeCondition.SlowStage stage : condition.slowStages()) {
      slow.add(
          new JsonObject()
              .put("object", stage.object())
              .put("verb", stage.verb())
              .put("step", stage.step())
              .put("since", Times.text(stage.since()))
              .put("waitsFor", stage.waitsFor()));
    }
    return new JsonObject()
        .put("ready", ready(condition))
        .put(
            "runtime",
            part(condition.runtimeReady(), condition.runtimeReason(), condition.runtimeMessage()))
        .put(
            "network",
            part(condition.networkReady(), condition.networkReason(), condition.networkMessage()))
        .put("slowStages", slow);
  }

  private static JsonObject part(boolean ready, String reason, String message) {
    return new JsonObject().put("ready", ready).put("reason", reason).put("message", message);
  }
}
