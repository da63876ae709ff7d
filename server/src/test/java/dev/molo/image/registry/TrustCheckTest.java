package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.Program;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrustCheckTest {
  private static final String PASSWORD = "password";

  @TempDir private Path certs;
  private Path registry;

  @BeforeEach
  void folder() throws IOException {
    registry = Files.createDirectories(certs.resolve("registry.example.test"));
  }

  private List<TrustCheck.Finding> check(Clock clock) {
    return new TrustCheck(clock).check(List.of(certs, certs.resolve("missing")));
  }

  private String trouble() {
    return assertThat(check(Clock.systemUTC()))
        .singleElement()
        .satisfies(finding -> assertThat(finding.well()).isFalse())
        .actual()
        .detail();
  }

  /** A certificate and its key in one PEM file each, good for ten days. */
  private void makePair(Path certificate, Path key) throws Exception {
    Path store = certs.resolve("../store-" + System.nanoTime() + ".p12").normalize();
    Program.Ended keytool =
        Program.run(
            Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
            "-genkeypair",
            "-alias",
            "a",
            "-keyalg",
            "EC",
            "-dname",
            "CN=pier",
            "-validity",
            "10",
            "-storetype",
            "PKCS12",
            "-keystore",
            store.toString(),
            "-storepass",
            PASSWORD);
    assertThat(keytool.status()).as(keytool.output()).isZero();
    KeyStore keys = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
    pem(certificate, "CERTIFICATE", keys.getCertificate("a").getEncoded());
    pem(key, "PRIVATE KEY", keys.getKey("a", PASSWORD.toCharArray()).getEncoded());
    Files.delete(store);
  }

  private static void pem(Path file, String kind, byte[] bytes) throws IOException {
    Files.writeString(
        file,
        "-----BEGIN %s-----\n%s\n-----END %s-----\n"
            .formatted(
                kind,
                Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                    .encodeToString(bytes),
                kind));
  }

  @Test
  void goodFilesAreToldWithTheHostsInOrder() throws Exception {
    makePair(registry.resolve("ca.crt"), registry.resolve("client.key"));
    Files.copy(registry.resolve("ca.crt"), registry.resolve("client.cert"));
    Files.writeString(
        registry.resolve("hosts.toml"),
        """
        ca = "ca.crt"
        [host."https://mirror.example.test"]
        client = [["client.cert", "client.key"]]
        """);

    assertThat(check(Clock.systemUTC()))
        .singleElement()
        .isEqualTo(
            new TrustCheck.Finding(
                "registry.example.test",
                true,
                "asks https://mirror.example.test/v2, then https://registry.example.test/v2"));
  }

  @Test
  void certificateThatRanOutIsNamed() throws Exception {
    makePair(registry.resolve("ca.crt"), registry.resolve("unused.key"));
    Clock later = Clock.offset(Clock.systemUTC(), Duration.ofDays(11));
    Clock earlier = Clock.offset(Clock.systemUTC(), Duration.ofDays(-2));

    assertThat(check(Clock.systemUTC())).allMatch(TrustCheck.Finding::well);
    assertThat(check(later).getFirst().detail()).contains("ca.crt: CN=pier ran out on");
    assertThat(check(earlier).getFirst().detail()).contains("ca.crt: CN=pier holds only from");
  }

  @Test
  void whatIsNoCertificateIsNamed() throws IOException {
    Files.writeString(registry.resolve("ca.crt"), "scribbled");

    assertThat(trouble()).contains("ca.crt holds no certificate");
  }

  @Test
  void missingFileIsNamed() throws IOException {
    Files.writeString(registry.resolve("hosts.toml"), "ca = \"gone.crt\"\n");

    assertThat(trouble()).contains("gone.crt cannot be read");
  }

  @Test
  void keyThatDoesNotFitItsFileIsNamed() throws Exception {
    makePair(registry.resolve("client.cert"), registry.resolve("other.key"));
    Files.writeString(registry.resolve("client.key"), "scribbled");

    assertThat(trouble()).contains("client.cert with key").contains("client.key");
  }

  @Test
  void unknownKeyOfHostsTomlIsNamed() throws IOException {
    Files.writeString(registry.resolve("hosts.toml"), "mirror = \"x\"\n");

    assertThat(trouble()).contains("hosts.toml", "mirror");
  }
}
