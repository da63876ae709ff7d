package dev.molo.image;

import java.util.List;
import java.util.Map;

/**
 * What an image says about the container to run from it: the {@code config} object of its
 * configuration document (OCI image-spec, config.md). Everything here was written by a stranger and
 * has only been checked for its shape. Strings are empty and collections empty when the image says
 * nothing.
 *
 * @param entrypoint first part of the argument vector
 * @param command second part, replaced by the request's arguments
 * @param environment {@code NAME=value}, in order
 * @param user {@code user}, {@code uid}, {@code user:group}, {@code uid:gid} and mixtures
 * @param workingDirectory absolute path as a rule
 * @param stopSignal {@code SIGTERM}, {@code 15}, {@code SIGRTMIN+3}
 * @param volumes paths that want a volume of their own, sorted
 * @param labels the image's labels
 * @param exposedPorts {@code 80/tcp}, sorted
 */
public record ImageConfig(
    List<String> entrypoint,
    List<String> command,
    List<String> environment,
    String user,
    String workingDirectory,
    String stopSignal,
    List<String> volumes,
    Map<String, String> labels,
    List<String> exposedPorts) {

  /** Copies its collections. */
  public ImageConfig {
    entrypoint = List.copyOf(entrypoint);
    command = List.copyOf(command);
    environment = List.copyOf(environment);
    volumes = List.copyOf(volumes);
    labels = Map.copyOf(labels);
    exposedPorts = List.copyOf(exposedPorts);
  }

  /** An image that says nothing. */
  public static ImageConfig empty() {
    return new ImageConfig(
        List.of(), List.of(), List.of(), "", "", "", List.of(), Map.of(), List.of());
  }
}
