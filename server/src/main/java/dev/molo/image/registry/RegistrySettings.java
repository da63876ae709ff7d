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
 * @param credentialFiles in the form of docker's config.json, for pulls that bring no credentials
 * @param userAgent what we call ourselves
 * @param limits times and numbers
 * @param proxies the way out
 */
public record RegistrySettings(
    List<Path> certsDirectories,
    Set<String> plainHttp,
    List<Path> credentialFiles,
    String userAgent,
    Limits limits,
    Proxies proxies) {

  /**
   * Times and numbers.
   *
   * @param connect for one TCP and TLS connection, where hosts.toml says nothing else
   * @param idle how long a registry may send nothing at all
   * @param minimumRate bytes a second that a connection must bring while it is waited for; 0: any
   * @param attempts how often one request is tried on one host
   * @param connectionsPerLayer how many connections may fetch one layer, at least 1
   */
  public record Limits(
      Duration connect, Duration idle, long minimumRate, int attempts, int connectionsPerLayer) {

    /** What molo does when nobody configures anything. */
    public static Limits standard() {
      return new Limits(Duration.ofSeconds(15), Duration.ofSeconds(30), 4096, 4, 4);
    }
  }

  /** Copies its collections. */
  public RegistrySettings {
    certsDirectories = List.copyOf(certsDirectories);
    plainHttp = Set.copyOf(plainHttp);
    credentialFiles = List.copyOf(credentialFiles);
  }

  /** What molo does when nobody configures anything, with the given folders. */
  public static RegistrySettings standard(List<Path> certsDirectories) {
    return new RegistrySettings(
        certsDirectories, Set.of(), List.of(), "molo", Limits.standard(), Proxies.none());
  }
}
