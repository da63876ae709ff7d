package dev.molo.image.registry;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * How registries are spoken to.
 *
 * @param certsDirectories folders of {@code HOST/hosts.toml}, the first that knows the host wins
 * @param plainHttp registries ({@code host} or {@code host:port}) that may be spoken to without
 *     TLS; loopback always may
 * @param userAgent what we call ourselves
 * @param connectTimeout for one TCP and TLS connection
 * @param idleLimit how long a registry may send nothing at all
 * @param attempts how often one request is tried on one host
 */
public record RegistrySettings(
    List<Path> certsDirectories,
    Set<String> plainHttp,
    String userAgent,
    Duration connectTimeout,
    Duration idleLimit,
    int attempts) {

  /** Copies its collections. */
  public RegistrySettings {
    certsDirectories = List.copyOf(certsDirectories);
    plainHttp = Set.copyOf(plainHttp);
  }

  /** What molo does when nobody configures anything, with the given folders. */
  public static RegistrySettings standard(List<Path> certsDirectories) {
    return new RegistrySettings(
        certsDirectories, Set.of(), "molo", Duration.ofSeconds(15), Duration.ofSeconds(30), 4);
  }
}
