package dev.molo.spec;

/**
 * The name of a container, unique within its sandbox (CRI ContainerMetadata).
 *
 * @param name the container's name
 * @param attempt how often it was made anew; unsigned 32 bits
 */
public record ContainerMetadata(String name, int attempt) {
  @Override
  public String toString() {
    return "%s (attempt %s)".formatted(name, Integer.toUnsignedString(attempt));
  }
}
