package dev.molo.spec;

import java.util.Map;

/**
 * How a caller names an image (CRI ImageSpec).
 *
 * @param image reference, id or unique id prefix
 * @param userSpecifiedImage what the user wrote; for the record only
 */
public record ImageRequest(
    String image,
    String userSpecifiedImage,
    Map<String, String> annotations,
    String runtimeHandler) {
  public ImageRequest {
    annotations = Map.copyOf(annotations);
  }
}
