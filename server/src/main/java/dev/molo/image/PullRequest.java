package dev.molo.image;

import java.util.Map;

/**
 * What to pull.
 *
 * @param reference as the client wrote it; {@link Reference#parse} judges it
 * @param auth how to identify to the registry
 * @param annotations of CRI's ImageSpec, kept with the image's record
 * @param runtimeHandler of CRI's ImageSpec; all handlers share one store, so it is only recorded
 */
public record PullRequest(
    String reference, RegistryAuth auth, Map<String, String> annotations, String runtimeHandler) {

  /** Copies its annotations. */
  public PullRequest {
    annotations = Map.copyOf(annotations);
  }

  /** A pull with nothing but a reference and credentials. */
  public static PullRequest of(String reference, RegistryAuth auth) {
    return new PullRequest(reference, auth, Map.of(), "");
  }
}
