package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Reference;
import dev.molo.image.RegistryAuth;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NodeCredentialsTest {
  private static final String SECRET = "s3cret-pa55word";

  @TempDir Path folder;

  private Credentials find(String json, String reference) throws IOException {
    Path file = folder.resolve("config.json");
    Files.writeString(file, json);
    return new NodeCredentials(List.of(folder.resolve("absent.json"), file), folder.toString())
        .find(Reference.parse(reference).orLatest(), Cancellation.create());
  }

  private void helper(String name, String script) throws IOException {
    Path file = folder.resolve("docker-credential-" + name);
    Files.writeString(file, "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
  }

  private static RegistryAuth basic(String user) {
    return new RegistryAuth.Basic(user, SECRET);
  }

  @Test
  void longestKeyThatFitsWins() throws IOException {
    String json =
        """
        {"auths": {"quay.io": {"username": "all", "password": "%1$s"},
                   "quay.io/org": {"username": "org", "password": "%1$s"},
                   "https://index.docker.io/v1/": {"username": "hub", "password": "%1$s"},
                   "http://ghcr.io/v2/": {"identitytoken": "%1$s"}}}
        """
            .formatted(SECRET);
    assertThat(find(json, "quay.io/other/app").auth()).isEqualTo(basic("all"));
    assertThat(find(json, "quay.io/org/app").auth()).isEqualTo(basic("org"));
    assertThat(find(json, "quay.io/organ/app").auth()).isEqualTo(basic("all"));
    assertThat(find(json, "nginx").auth()).isEqualTo(basic("hub"));
    assertThat(find(json, "ghcr.io/a/b").auth()).isEqualTo(new RegistryAuth.IdentityToken(SECRET));
    assertThat(find(json, "quay.io:8443/app")).isEqualTo(Credentials.none());
    assertThat(find(json, "quay.io/a/b").source()).isEqualTo(folder.resolve("config.json") + "");
  }

  @Test
  void authIsBase64OfUserAndPassword() throws IOException {
    String json = "{\"auths\": {\"quay.io\": {\"auth\": \"b3JnOnMzY3JldC1wYTU1d29yZA==\"}}}";
    assertThat(find(json, "quay.io/app").auth()).isEqualTo(basic("org"));
    String bad = "{\"auths\": {\"quay.io\": {\"auth\": \"" + SECRET + "\"}}}";
    assertThatThrownBy(() -> find(bad, "quay.io/app"))
        .hasMessageContainingAll("config.json", "quay.io", "base64")
        .hasMessageNotContaining(SECRET);
  }

  @Test
  void fileThatIsNotJsonIsNamedAndNotQuoted() {
    assertThatThrownBy(() -> find("{\"auths\": " + SECRET, "quay.io/app"))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.FAILED_PRECONDITION))
        .hasMessageContainingAll("config.json", "line 1")
        .hasMessageNotContaining(SECRET);
  }

  @Test
  void helperIsAskedForTheRegistryItIsNamedFor() throws IOException {
    helper(
        "test",
        "read server; [ \"$1\" = get ] && echo '{\"ServerURL\":\"'$server'\",\"Username\":\"'$server'\","
            + "\"Secret\":\""
            + SECRET
            + "\"}'");
    String json =
        "{\"credHelpers\": {\"quay.io\": \"test\"}, \"auths\": {\"ghcr.io\": {\"username\": \"u\","
            + " \"password\": \"p\"}}}";
    Credentials found = find(json, "quay.io/app");
    assertThat(found.auth()).isEqualTo(basic("quay.io"));
    assertThat(found.source()).contains("docker-credential-test", "config.json");
    assertThat(find(json, "ghcr.io/app").auth()).isEqualTo(new RegistryAuth.Basic("u", "p"));
    assertThat(find("{\"credsStore\": \"test\"}", "nginx").auth())
        .isEqualTo(basic("https://index.docker.io/v1/"));
  }

  @Test
  void helpersTokenIsAnIdentityToken() throws IOException {
    helper("test", "echo '{\"Username\":\"<token>\",\"Secret\":\"" + SECRET + "\"}'");
    assertThat(find("{\"credsStore\": \"test\"}", "nginx").auth())
        .isEqualTo(new RegistryAuth.IdentityToken(SECRET));
  }

  @Test
  void helperThatKnowsNothingLeavesItToTheFile() throws IOException {
    helper("test", "echo credentials not found in native keychain; exit 1");
    String json =
        "{\"credsStore\": \"test\", \"auths\": {\"quay.io\": {\"username\": \"org\", \"password\": \""
            + SECRET
            + "\"}}}";
    assertThat(find(json, "quay.io/app").auth()).isEqualTo(basic("org"));
    assertThat(find(json, "ghcr.io/app")).isEqualTo(Credentials.none());
  }

  @Test
  void failingHelperFailsThePullWithItsName() throws IOException {
    helper("test", "echo the vault is sealed >&2; exit 3");
    assertThatThrownBy(() -> find("{\"credsStore\": \"test\"}", "nginx"))
        .hasMessageContainingAll("docker-credential-test", "config.json", "3", "vault is sealed");
    helper("test", "echo '" + SECRET + "'");
    assertThatThrownBy(() -> find("{\"credsStore\": \"test\"}", "nginx"))
        .hasMessageContaining("not JSON")
        .hasMessageNotContaining(SECRET);
    assertThatThrownBy(() -> find("{\"credsStore\": \"../../bin/sh\"}", "nginx"))
        .hasMessageContaining("no program can have");
    assertThatThrownBy(() -> find("{\"credsStore\": \"gone\"}", "nginx"))
        .hasMessageContaining("PATH");
  }
}
