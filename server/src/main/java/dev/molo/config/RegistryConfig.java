package dev.molo.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** How registries are spoken to. */
public record RegistryConfig(
    @Key(
            "Files in the form of docker's config.json (`auths`, `credHelpers`, `credsStore`), for"
                + " pulls that bring no credentials; the first that knows the registry wins.")
        List<Path> credentialFiles,
    @Key("Registries (`HOST` or `HOST:PORT`) spoken to without TLS; loopback always is.")
        List<String> plainHttp,
    @Key(value = "For one connection, where hosts.toml says nothing else.", min = 10, max = 600_000)
        Duration connectTimeout,
    @Key(value = "How long a registry may send nothing at all.", min = 100, max = 3_600_000)
        Duration idleLimit,
    @Key(
            value =
                "Bytes a second that a connection must bring while it is waited for, over the idle"
                    + " limit; a slower one is given up and the layer goes on over a new one. 0: any.",
            unit = "bytes")
        long minimumRate,
    @Key(value = "How often one request is tried on one host.", min = 1, max = 20) int attempts,
    @Key(
            value =
                "Connections that may fetch one big layer at once, where the registry gives"
                    + " ranges and the network is what is waited for.",
            min = 1,
            max = 8)
        int connectionsPerLayer) {
  public RegistryConfig {
    credentialFiles = List.copyOf(credentialFiles);
    plainHttp = List.copyOf(plainHttp);
  }
}
