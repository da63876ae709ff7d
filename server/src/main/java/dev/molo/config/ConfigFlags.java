package dev.molo.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What the command line says about configuration; it outranks the files.
 *
 * @param instance {@code --instance NAME}
 * @param root {@code --root DIR}
 * @param run {@code --run DIR}
 * @param configDir {@code --config DIR}
 * @param http {@code --http HOST:PORT}, or {@code off}
 */
public record ConfigFlags(
    Optional<String> instance,
    Optional<Path> root,
    Optional<Path> run,
    Optional<Path> configDir,
    Optional<String> http) {
  /** Nothing said. */
  public static final ConfigFlags NONE =
      new ConfigFlags(
          Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
}
