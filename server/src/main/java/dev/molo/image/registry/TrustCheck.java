package dev.molo.image.registry;

import dev.molo.fault.FaultException;
import dev.molo.image.registry.RegistryHost.ClientCertificate;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/**
 * Reads every folder of {@code certs.d} as a pull would, and every certificate and key that it
 * names, before a pull needs them.
 */
public final class TrustCheck {
  private final Clock clock;

  public TrustCheck(Clock clock) {
    this.clock = clock;
  }

  /**
   * What became of one registry's folder.
   *
   * @param registry the folder's name
   * @param well whether a pull could use it
   * @param detail what is asked in which order, or what is wrong with which file
   */
  public record Finding(String registry, boolean well, String detail) {}

  /** One finding for each registry that one of these folders knows; a missing folder knows none. */
  public List<Finding> check(List<Path> certsDirectories) {
    List<Finding> findings = new ArrayList<>();
    for (Path directory : certsDirectories) {
      HostsDirectory hosts = new HostsDirectory(RegistrySettings.standard(List.of(directory)));
      try {
        for (String registry : folders(directory)) {
          findings.add(check(hosts, registry));
        }
      } catch (IOException e) {
        findings.add(new Finding(directory.toString(), false, "cannot be read: " + e));
      }
    }
    return findings;
  }

  private static Collection<String> folders(Path directory) throws IOException {
    TreeSet<String> names = new TreeSet<>();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(directory, Files::isDirectory)) {
      folders.forEach(folder -> names.add(folder.getFileName().toString()));
    } catch (NoSuchFileException none) {
      return List.of();
    }
    return names;
  }

  private Finding check(HostsDirectory hosts, String registry) {
    try {
      List<RegistryHost> asked = hosts.lookUp(registry).hosts();
      for (RegistryHost host : asked) {
        checkTls(host.tls());
      }
      List<String> urls = asked.stream().map(host -> host.url("")).toList();
      return new Finding(registry, true, "asks " + String.join(", then ", urls));
    } catch (FaultException | UnusableException e) {
      return new Finding(registry, false, e.getMessage());
    }
  }

  private void checkTls(RegistryHost.Tls tls) {
    tls.authorities().forEach(this::checkCertificates);
    for (ClientCertificate client : tls.clients()) {
      checkCertificates(client.certificate());
      checkPair(client);
    }
  }

  private void checkCertificates(Path file) {
    Collection<? extends Certificate> certificates;
    try (InputStream in = Files.newInputStream(file)) {
      certificates = CertificateFactory.getInstance("X.509").generateCertificates(in);
    } catch (IOException e) {
      throw new UnusableException(file + " cannot be read: " + e, e);
    } catch (GeneralSecurityException e) {
      throw new UnusableException(file + " holds no certificate: " + e.getMessage(), e);
    }
    if (certificates.isEmpty()) {
      throw new UnusableException(file + " holds no certificate", null);
    }
    for (Certificate certificate : certificates) {
      checkDates(file, (X509Certificate) certificate);
    }
  }

  private void checkDates(Path file, X509Certificate certificate) {
    Instant now = clock.instant();
    if (now.isAfter(certificate.getNotAfter().toInstant())) {
      throw new UnusableException(
          "%s: %s ran out on %s"
              .formatted(
                  file,
                  certificate.getSubjectX500Principal(),
                  certificate.getNotAfter().toInstant()),
          null);
    }
    if (now.isBefore(certificate.getNotBefore().toInstant())) {
      throw new UnusableException(
          "%s: %s holds only from %s; is the clock right?"
              .formatted(
                  file,
                  certificate.getSubjectX500Principal(),
                  certificate.getNotBefore().toInstant()),
          null);
    }
  }

  private static void checkPair(ClientCertificate client) {
    try {
      var _ =
          SslContextBuilder.forClient()
              .keyManager(client.certificate().toFile(), client.key().toFile())
              .build();
    } catch (IOException | IllegalArgumentException e) {
      throw new UnusableException(
          "%s with key %s: %s".formatted(client.certificate(), client.key(), reason(e)), e);
    }
  }

  /** Netty says only which file; the cause says why. */
  private static String reason(Exception e) {
    return e.getCause() == null ? e.getMessage() : e.getMessage() + ": " + e.getCause();
  }

  private static final class UnusableException extends RuntimeException {
    UnusableException(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
