package dev.molo.pod;

import dev.molo.launch.PodFiles;
import dev.molo.spec.DnsConfig;
import dev.molo.spec.NamespaceMode;
import dev.molo.spec.SandboxSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The three files below /etc that a pod's containers share: hosts, hostname, resolv.conf. They lie
 * in the pod's folder and are bound into each container that does not bring its own.
 *
 * <p>Stateless; one pod's files are written on its lane.
 */
final class EtcFiles {
  private static final Path HOST_HOSTS = Path.of("/etc/hosts");
  private static final Path HOST_RESOLV_CONF = Path.of("/etc/resolv.conf");

  private EtcFiles() {}

  /**
   * Writes them.
   *
   * @param folder made when missing
   * @param addresses the pod's own; empty with the host's network
   */
  static PodFiles write(Path folder, SandboxSpec spec, String hostname, List<String> addresses) {
    try {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("hosts"), hosts(spec, hostname, addresses));
      Files.writeString(folder.resolve("hostname"), hostname + "\n");
      Files.writeString(folder.resolve("resolv.conf"), resolvConf(spec.dns()));
    } catch (IOException e) {
      throw new UncheckedIOException("write hosts, hostname and resolv.conf in " + folder, e);
    }
    return in(folder);
  }

  /** The files that {@link #write} left. */
  static PodFiles in(Path folder) {
    return new PodFiles(
        Optional.of(folder.resolve("hosts").toString()),
        Optional.of(folder.resolve("hostname").toString()),
        Optional.of(folder.resolve("resolv.conf").toString()));
  }

  private static String hosts(SandboxSpec spec, String hostname, List<String> addresses)
      throws IOException {
    if (spec.security().namespaces().network() == NamespaceMode.NODE) {
      return hostFile(HOST_HOSTS);
    }
    StringBuilder text =
        new StringBuilder(
            """
            127.0.0.1\tlocalhost
            ::1\tlocalhost ip6-localhost ip6-loopback
            fe00::0\tip6-localnet
            ff02::1\tip6-allnodes
            ff02::2\tip6-allrouters
            """);
    for (String address : addresses) {
      text.append(address).append('\t').append(hostname).append('\n');
    }
    return text.toString();
  }

  private static String resolvConf(DnsConfig dns) throws IOException {
    if (dns.isEmpty()) {
      return hostFile(HOST_RESOLV_CONF);
    }
    StringBuilder text = new StringBuilder();
    if (!dns.searches().isEmpty()) {
      text.append("search ").append(String.join(" ", dns.searches())).append('\n');
    }
    for (String server : dns.servers()) {
      text.append("nameserver ").append(server).append('\n');
    }
    if (!dns.options().isEmpty()) {
      text.append("options ").append(String.join(" ", dns.options())).append('\n');
    }
    return text.toString();
  }

  /** A host without the file gives an empty one: a container expects it to be there. */
  private static String hostFile(Path file) throws IOException {
    try {
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      return "";
    }
  }
}
