package dev.molo.spec;

import java.util.List;

/**
 * What an image's configuration says about running it (OCI image-spec, {@code config}), as its
 * author wrote it: hostile until {@code launch} has checked it. {@code pod} fills it from the
 * image.
 *
 * @param user as {@code user}, {@code uid}, {@code user:group}, {@code uid:gid}; empty: root
 * @param workingDir empty: {@code /}
 * @param stopSignal as SIGTERM; empty: SIGTERM
 * @param volumes paths that are to be writable whatever becomes of the root
 */
public record ImageDefaults(
    List<String> entrypoint,
    List<String> command,
    List<EnvVar> envs,
    String user,
    String workingDir,
    String stopSignal,
    List<String> volumes) {
  /** An image that says nothing. */
  public static final ImageDefaults NONE =
      new ImageDefaults(List.of(), List.of(), List.of(), "", "", "", List.of());

  /** Copies the lists. */
  public ImageDefaults {
    entrypoint = List.copyOf(entrypoint);
    command = List.copyOf(command);
    envs = List.copyOf(envs);
    volumes = List.copyOf(volumes);
  }
}
