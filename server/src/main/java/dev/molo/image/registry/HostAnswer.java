package dev.molo.image.registry;

import java.time.Duration;

/**
 * One host in the order of asking, and what came of it.
 *
 * @param host scheme, name and port, without a path
 * @param mirror whether it is another than the registry that the reference names
 * @param asked the path below the API's root, as {@code /app/manifests/v1}
 * @param outcome {@code answered}, or why not, in the words that a failed pull has
 * @param time how long it took, all attempts together
 */
public record HostAnswer(String host, boolean mirror, String asked, String outcome, Duration time) {
  static final String ANSWERED = "answered";
}
