package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Draws a bar for each layer of the pulls under way, from what HTTP tells, on a thread of its own
 * until closed.
 */
final class PullProgressView implements AutoCloseable {
  private static final long INTERVAL_MILLIS = 200;
  private static final int BAR = 30;

  private final HttpAddress http;
  private final Thread thread;
  private int drawn;

  private boolean closed;

  private PullProgressView(HttpAddress http) {
    this.http = http;
    this.thread = Thread.ofVirtual().name("pull-progress").unstarted(this::draw);
  }

  static PullProgressView show(HttpAddress http) {
    PullProgressView view = new PullProgressView(http);
    view.thread.start();
    return view;
  }

  private void draw() {
    try {
      while (true) {
        Thread.sleep(INTERVAL_MILLIS);
        redraw(lines(new ObjectMapper().readTree(http.get("/v1/images"))));
      }
    } catch (InterruptedException | FaultException | IOException e) {
      // closed, or the daemon's HTTP has gone: the pull itself says how it ends
      return;
    }
  }

  /** One line a layer; visible for tests. */
  static List<String> lines(JsonNode images) {
    List<String> lines = new ArrayList<>();
    for (JsonNode pull : images.path("pulling")) {
      lines.add(pull.path("reference").asText() + ": " + pull.path("stage").asText());
      for (JsonNode layer : pull.path("layers")) {
        lines.add(line(layer));
      }
    }
    return lines;
  }

  private static String line(JsonNode layer) {
    long bytes = layer.path("bytes").asLong();
    long total = Math.max(1, layer.path("totalBytes").asLong());
    String stage = layer.path("stage").asText();
    boolean done = stage.equals("present") || stage.equals("unpacked");
    int filled = done ? BAR : (int) Math.min(BAR, bytes * BAR / total);
    long rate = layer.path("bytesPerSecond").asLong();
    return "  %s [%s%s] %9s / %9s  %s%s"
        .formatted(
            Shown.briefId(layer.path("digest").asText()),
            "=".repeat(filled),
            " ".repeat(BAR - filled),
            Shown.bytes(done ? total : bytes),
            Shown.bytes(total),
            stage,
            rate > 0 ? " " + Shown.bytes(rate) + "/s" : "");
  }

  private synchronized void redraw(List<String> lines) {
    if (closed) {
      return;
    }
    StringBuilder text = new StringBuilder();
    if (drawn > 0) {
      text.append("\033[").append(drawn).append("A\r\033[J");
    }
    lines.forEach(line -> text.append(line).append('\n'));
    drawn = lines.size();
    System.err.print(text);
    System.err.flush();
  }

  /** Ends the drawing and wipes what was drawn. */
  @Override
  public synchronized void close() {
    thread.interrupt();
    redraw(List.of());
    closed = true;
  }
}
