package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.molo.fault.FaultException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Draws a bar for each layer of a pull under way, from what the daemon tells, on a thread of its
 * own until closed.
 */
final class PullProgressView implements AutoCloseable {
  private static final long INTERVAL_MILLIS = 200;

  private final ApiClient api;
  private final Predicate<String> references;
  private final LiveLines terminal = new LiveLines();
  private final Thread thread;
  private boolean closed;

  private PullProgressView(ApiClient api, Predicate<String> references) {
    this.api = api;
    this.references = references;
    this.thread = Thread.ofVirtual().name("pull-progress").unstarted(this::draw);
  }

  /** Of the pulls of these references; {@code api} stays the caller's. */
  static PullProgressView show(ApiClient api, Predicate<String> references) {
    PullProgressView view = new PullProgressView(api, references);
    view.thread.start();
    return view;
  }

  private void draw() {
    try {
      while (true) {
        Thread.sleep(INTERVAL_MILLIS);
        redraw(lines(api.get("/v1/images"), references));
      }
    } catch (InterruptedException | FaultException | RefusedException e) {
      // closed, or the daemon has gone or is busy: the pull itself says how it ends
      return;
    }
  }

  /** One line a layer. */
  static List<String> lines(JsonNode images, Predicate<String> references) {
    List<String> lines = new ArrayList<>();
    for (JsonNode pull : images.path("pulling")) {
      if (references.test(pull.path("reference").asText())) {
        lines.add(pull.path("reference").asText() + ": " + pull.path("stage").asText());
        for (JsonNode layer : pull.path("layers")) {
          String stage = layer.path("stage").asText();
          String id = layer.path("digest").asText();
          lines.add(LayerBar.of(layer, id, stage.equals("present") || stage.equals("unpacked")));
        }
      }
    }
    return lines;
  }

  private synchronized void redraw(List<String> lines) {
    if (!closed) {
      terminal.redraw(lines);
    }
  }

  /** Ends the drawing and wipes what was drawn. */
  @Override
  public synchronized void close() {
    thread.interrupt();
    redraw(List.of());
    closed = true;
  }
}
