package dev.molo.image.registry;

import dev.molo.image.RegistryAuth;

/**
 * What a pull shows to its registry, and where that came from.
 *
 * @param auth the secret
 * @param source for explanations and errors, never the secret: {@code the request}, a file's name
 */
public record Credentials(RegistryAuth auth, String source) {

  /** Nobody knows any. */
  static Credentials none() {
    return new Credentials(RegistryAuth.anonymous(), "none");
  }
}
