package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;

/** One layer on its way, as a line with a bar. */
final class LayerBar {
  private static final int BAR = 20;

  private LayerBar() {}

  /**
   * The line.
   *
   * @param layer of a pull or a push, as HTTP tells it
   * @param id by which it is known
   * @param done whether all of it is where it shall be
   */
  static String of(JsonNode layer, String id, boolean done) {
    long bytes = layer.path("bytes").asLong();
    long total = Math.max(1, layer.path("totalBytes").asLong());
    int filled = done ? BAR : (int) Math.min(BAR, bytes * BAR / total);
    long rate = layer.path("bytesPerSecond").asLong();
    return "  %s [%s%s] %9s / %9s  %s%s"
        .formatted(
            Shown.briefId(id),
            "=".repeat(filled),
            " ".repeat(BAR - filled),
            Shown.bytes(done ? total : bytes),
            Shown.bytes(total),
            layer.path("stage").asText(),
            rate > 0 ? " " + Shown.bytes(rate) + "/s" : "");
  }
}
