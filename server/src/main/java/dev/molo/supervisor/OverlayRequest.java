package dev.molo.supervisor;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * An overlay to mount. All paths are relative and made of plain names, so that 127 layers fit the
 * one page that mount(2) takes.
 *
 * @param lowers below the layers directory, topmost first ({@code name/fs}); at least one
 * @param writable where changes go; absent: a read-only overlay (at least two lowers, or a single
 *     one that is returned as a read-only bind)
 * @param isVolatile skip every sync of the upper: for what does not outlive a crash anyway
 */
public record OverlayRequest(List<String> lowers, Optional<Writable> writable, boolean isVolatile) {
  static final Pattern RELATIVE = Pattern.compile("[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*");

  public OverlayRequest {
    lowers = List.copyOf(lowers);
    if (lowers.isEmpty()) {
      throw new IllegalArgumentException("an overlay needs a lower directory");
    }
    lowers.forEach(OverlayRequest::requirePlain);
  }

  /**
   * The writable part.
   *
   * @param upper below the pods directory
   * @param work below the pods directory, on the same file system, empty
   */
  public record Writable(String upper, String work) {
    public Writable {
      requirePlain(upper);
      requirePlain(work);
    }
  }

  private static void requirePlain(String path) {
    if (!RELATIVE.matcher(path).matches() || path.contains("..")) {
      throw new IllegalArgumentException("not a plain relative path: " + path);
    }
  }
}
