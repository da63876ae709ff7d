package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HostsFileTest {
  @TempDir Path certs;

  private void write(String folder, String toml) throws IOException {
    Files.createDirectories(certs.resolve(folder));
    Files.writeString(certs.resolve(folder).resolve("hosts.toml"), toml);
  }

  private List<RegistryHost> lookUp(String registry) {
    return new HostsDirectory(RegistrySettings.standard(List.of(certs))).lookUp(registry).hosts();
  }

  @Test
  void mirrorsComeInTheFilesOrderAndTheServerLast() throws IOException {
    write(
        "docker.io",
        """
        server = "https://registry-1.docker.io"
        [host."https://z.example"]
          capabilities = ["pull", "resolve"]
          ca = "z.pem"
          client = [["c.pem", "c.key"], ["both.pem", ""]]
          [host."https://z.example".header]
            X-Site = ["a", "b"]
            Authorization = "Basic eA=="
        [host."http://a.example:8080/cache/v2"]
          capabilities = ["pull"]
          override_path = true
        [host."https://m.example/prefix"]
          skip_verify = true
        """);
    List<RegistryHost> hosts = lookUp("docker.io");
    assertThat(hosts.stream().map(h -> h.url("/x")))
        .containsExactly(
            "https://z.example/v2/x",
            "http://a.example:8080/cache/v2/x",
            "https://m.example/prefix/v2/x",
            "https://registry-1.docker.io/v2/x");
    RegistryHost first = hosts.getFirst();
    assertThat(first.upstream()).isFalse();
    assertThat(first.can(RegistryHost.Capability.PUSH)).isFalse();
    assertThat(first.tls().authorities()).containsExactly(certs.resolve("docker.io/z.pem"));
    assertThat(first.tls().clients()).hasSize(2);
    assertThat(first.headers()).containsEntry("x-site", List.of("a", "b"));
    assertThat(hosts.get(1).can(RegistryHost.Capability.RESOLVE)).isFalse();
    assertThat(hosts.get(2).tls().skipVerify()).isTrue();
    assertThat(hosts.getLast().upstream()).isTrue();
  }

  @Test
  void foldersAreFoundInContainerdsOrder() throws IOException {
    write("_default", "server = \"https://default.example\"");
    assertThat(lookUp("r.io:5000").getFirst().host()).isEqualTo("default.example");
    assertThat(lookUp("r.io:5000").getFirst().upstream()).isFalse();
    write("r.io:5000", "server = \"https://plain.example\"");
    assertThat(lookUp("r.io:5000").getFirst().host()).isEqualTo("plain.example");
    write("r.io_5000_", "[host.\"https://mirror.example\"]");
    assertThat(lookUp("r.io:5000").stream().map(RegistryHost::authority))
        .containsExactly("mirror.example", "r.io:5000");
  }

  /** The first example of containerd's hosts.md, and what people write for their own registry. */
  @Test
  void registryItselfMayStandAmongTheHosts() throws IOException {
    write(
        "docker.io",
        """
        server = "https://docker.io"
        [host."https://registry-1.docker.io"]
          capabilities = ["pull", "resolve"]
        """);
    assertThat(lookUp("docker.io").getFirst().upstream()).isTrue();
    assertThat(lookUp("docker.io").getLast().upstream()).isFalse();
    write(
        "r.io:5000",
        """
        server = "https://r.io:5000"
        [host."https://mirror.example"]
        [host."https://r.io:5000"]
          capabilities = ["pull", "resolve"]
          ca = "r.pem"
        """);
    List<RegistryHost> hosts = lookUp("r.io:5000");
    assertThat(hosts.stream().map(RegistryHost::upstream)).containsExactly(false, true, true);
    assertThat(hosts.get(1).tls().authorities()).hasSize(1);
    assertThat(hosts.get(2).capabilities())
        .as("is not asked the same twice")
        .containsExactly(RegistryHost.Capability.PUSH);
    write("r.io", "[host.\"http://R.io\"]");
    assertThat(lookUp("r.io").stream().map(host -> host.url("") + " " + host.upstream()))
        .containsExactly("http://R.io/v2 true", "https://r.io/v2 true");
    write("r.io", "[host.\"https://r.io\"]\n[host.\"https://r.io:8443\"]");
    assertThat(lookUp("r.io").stream().map(RegistryHost::upstream)).containsExactly(true, false);
  }

  @Test
  void spellingsAreThoseOfContainerd() throws IOException {
    write(
        "r.io",
        """
        server = "127.0.0.1:5000"
        capabilities = []
        [host."m.example/v2/"]
          capabilities = ["Pull", "referrers"]
        [host."https://[::1]:80/prefix/"]
          override_path = true
        [host."http://my_registry:5000"]
        """);
    List<RegistryHost> hosts = lookUp("r.io");
    assertThat(hosts.stream().map(host -> host.url("")))
        .containsExactly(
            "https://m.example/v2",
            "https://[::1]:80/prefix",
            "http://my_registry:5000/v2",
            "https://127.0.0.1:5000/v2");
    assertThat(hosts.getFirst().capabilities()).containsExactly(RegistryHost.Capability.PULL);
    assertThat(hosts.getLast().capabilities()).hasSize(3);
  }

  @Test
  void headerThatHttpDoesNotCarryIsNamedAndItsValueNotShown() throws IOException {
    write("r.io", "[header]\n  x-key = \"s3cret\\r\\nx-other: y\"");
    assertThatThrownBy(() -> lookUp("r.io"))
        .hasMessageContainingAll("r.io/hosts.toml", "x-key")
        .hasMessageNotContaining("s3cret");
    write("r.io", "[header]\n  \"x key\" = \"y\"");
    assertThatThrownBy(() -> lookUp("r.io")).hasMessageContaining("x key");
  }

  @Test
  void withoutFilesTheRegistryItselfIsAsked() {
    assertThat(lookUp("docker.io").getFirst().url("/"))
        .isEqualTo("https://registry-1.docker.io/v2/");
    assertThat(lookUp("r.io").getFirst().url("/")).isEqualTo("https://r.io/v2/");
    assertThat(lookUp("127.0.0.1:5000").getFirst().url("/")).isEqualTo("http://127.0.0.1:5000/v2/");
    assertThat(lookUp("localhost").getFirst().url("/")).isEqualTo("http://localhost/v2/");
    assertThat(lookUp("[::1]:5000").getFirst().url("/")).isEqualTo("http://[::1]:5000/v2/");
    assertThat(lookUp("10.0.0.1:5000").getFirst().secure()).isTrue();
  }

  @Test
  void plainHttpIsForWhatTheConfigurationLists() {
    RegistrySettings standard = RegistrySettings.standard(List.of());
    HostsDirectory hosts =
        new HostsDirectory(
            new RegistrySettings(
                List.of(certs),
                Set.of("r.io", "10.0.0.1:5000"),
                List.of(),
                "molo-test",
                standard.limits(),
                standard.proxies()));
    assertThat(
            Stream.of("r.io", "r.io:8080", "10.0.0.1:5000", "10.0.0.1", "10.0.0.1:5001", "a.r.io")
                .map(registry -> hosts.lookUp(registry).hosts().getFirst().url("")))
        .containsExactly(
            "http://r.io/v2",
            "http://r.io:8080/v2",
            "http://10.0.0.1:5000/v2",
            "https://10.0.0.1/v2",
            "https://10.0.0.1:5001/v2",
            "https://a.r.io/v2");
  }

  @Test
  void dockerStyleFoldersGiveCertificates() throws IOException {
    Files.createDirectories(certs.resolve("r.io"));
    Files.writeString(certs.resolve("r.io/own.crt"), "");
    Files.writeString(certs.resolve("r.io/me.cert"), "");
    RegistryHost host = lookUp("r.io").getFirst();
    assertThat(host.tls().authorities()).hasSize(1);
    assertThat(host.tls().clients().getFirst().key()).isEqualTo(certs.resolve("r.io/me.key"));
  }

  @Test
  void mistakesNameFileAndReason() throws IOException {
    write("r.io", "[host.\"https://m.example\"]\n  capabilites = [\"pull\"]\n");
    assertThatThrownBy(() -> lookUp("r.io"))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("r.io/hosts.toml")
        .hasMessageContaining("capabilites");
    write("r.io", "server = \n");
    assertThatThrownBy(() -> lookUp("r.io")).hasMessageContaining("line ");
    write("r.io", "server = \"ftp://x\"");
    assertThatThrownBy(() -> lookUp("r.io")).hasMessageContaining("ftp://x");
    write("r.io", "[host.\"https://u:p@m.example\"]");
    assertThatThrownBy(() -> lookUp("r.io")).isInstanceOf(FaultException.class);
  }
}
