package dev.molo.image.registry;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which hosts to ask for a registry's content, by the {@code certs.d} folders; read anew for each
 * pull, so that a change needs no restart. Looked for in each folder: {@code HOST_PORT_}, {@code
 * HOST:PORT} (or {@code HOST}), {@code _default}. A folder without hosts.toml but with {@code
 * *.crt} and {@code *.cert}/{@code *.key} is read as Docker reads it.
 *
 * @param settings the folders and the registries that may be spoken to in plain http
 */
record HostsDirectory(RegistrySettings settings) {

  /**
   * The hosts in the order they are asked.
   *
   * @param source the file that decided, for explanations; empty when there is none
   */
  record Hosts(List<RegistryHost> hosts, Optional<Path> source) {}

  Hosts lookUp(String registry) {
    RegistryHost upstream = UpstreamHost.of(registry, settings.plainHttp());
    for (Path root : settings.certsDirectories()) {
      Optional<Path> folder = folder(root, registry);
      if (folder.isEmpty()) {
        continue;
      }
      Path file = folder.get().resolve("hosts.toml");
      if (Files.exists(file)) {
        return new Hosts(HostsFile.read(file, registry, upstream), Optional.of(file));
      }
      RegistryHost.Tls tls = dockerStyle(folder.get(), registry);
      if (!tls.authorities().isEmpty() || !tls.clients().isEmpty()) {
        return new Hosts(List.of(upstream.secured().with(tls)), folder);
      }
    }
    return new Hosts(List.of(upstream), Optional.empty());
  }

  private static Optional<Path> folder(Path root, String registry) {
    List<String> names = new ArrayList<>();
    int colon = registry.lastIndexOf(':');
    if (colon > registry.lastIndexOf(']')) {
      names.add(registry.substring(0, colon) + "_" + registry.substring(colon + 1) + "_");
    }
    names.add(registry);
    names.add("_default");
    return names.stream().map(root::resolve).filter(Files::isDirectory).findFirst();
  }

  private static RegistryHost.Tls dockerStyle(Path folder, String registry) {
    List<Path> authorities = new ArrayList<>();
    List<RegistryHost.ClientCertificate> clients = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (name.endsWith(".crt")) {
          authorities.add(file);
        }
        if (name.endsWith(".cert")) {
          Path key = folder.resolve(name.substring(0, name.length() - ".cert".length()) + ".key");
          clients.add(new RegistryHost.ClientCertificate(file, key));
        }
      }
    } catch (IOException e) {
      throw new FaultException(
          Fault.FAILED_PRECONDITION,
          "registry " + registry + ": " + folder + " cannot be read: " + e.getMessage(),
          e);
    }
    return new RegistryHost.Tls(false, authorities, clients);
  }
}
