package dev.molo.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.cri.FakeDaemon;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands against the real gRPC edge of a daemon that only remembers. */
class CommandsTest {
  private static final String MANIFEST =
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: web}
      spec:
        restartPolicy: Always
        terminationGracePeriodSeconds: 7
        containers:
        - name: one
          image: example.org/app:1
          volumeMounts: [{name: v, mountPath: /v}]
        - name: two
          image: example.org/app:1
        volumes: [{name: v, emptyDir: {}}]
      """;

  @TempDir Path dir;
  private FakeDaemon daemon;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeEach
  void serve() throws IOException {
    daemon = FakeDaemon.serve(dir);
  }

  @AfterEach
  void end() {
    daemon.close();
  }

  @Test
  void runMakesWhatTheManifestSaysAndRmTakesItAway() throws IOException {
    Path manifest = Files.writeString(dir.resolve("pod.yaml"), MANIFEST);

    assertThat(molo("run", "-f", manifest.toString())).as(err.toString()).isZero();

    assertThat(err.toString()).contains("left to a kubelet", "spec.restartPolicy");
    assertThat(out.toString()).contains("pod default/web", "10.0.0.2", "one, two");
    assertThat(verbs()).containsExactly("run", "create", "start", "create", "start");
    assertThat(podFolder().resolve("volumes/v")).isDirectory();

    assertThat(molo("rm", "web")).as(err.toString()).isZero();
    assertThat(daemon.verbs()).anyMatch(verb -> verb.startsWith("stop ") && verb.endsWith(" 7"));
    assertThat(dir.resolve("manifests")).isEmptyDirectory();
  }

  @Test
  void aFailureTakesBackWhatWasMade() throws IOException {
    Path manifest = Files.writeString(dir.resolve("pod.yaml"), MANIFEST);
    daemon.refuseContainer("two");

    assertThat(molo("run", "-f", manifest.toString())).isEqualTo(ExitCode.FAILED);

    assertThat(err.toString()).contains("container two is refused by the test");
    assertThat(daemon.runtime().podSandboxes()).isEmpty();
    assertThat(dir.resolve("manifests")).isEmptyDirectory();
  }

  @Test
  void strictRefusesAndStartsNothing() throws IOException {
    Path manifest = Files.writeString(dir.resolve("pod.yaml"), MANIFEST);

    assertThat(molo("run", "--strict", "-f", manifest.toString())).isEqualTo(ExitCode.USAGE);

    assertThat(err.toString()).contains("spec.restartPolicy");
    assertThat(daemon.verbs()).isEmpty();
  }

  @Test
  void aSecondPodOfTheSameNameIsRefused() throws IOException {
    Path manifest = Files.writeString(dir.resolve("pod.yaml"), MANIFEST);
    assertThat(molo("run", "-f", manifest.toString())).isZero();

    assertThat(molo("run", "-f", manifest.toString())).isEqualTo(ExitCode.FAILED);

    assertThat(err.toString()).contains("pod default/web is there already");
    assertThat(daemon.runtime().podSandboxes()).hasSize(1);
  }

  @Test
  void listingsAreTablesAndJson() throws IOException {
    Path manifest = Files.writeString(dir.resolve("pod.yaml"), MANIFEST);
    assertThat(molo("run", "-f", manifest.toString(), "-o", "json")).isZero();
    assertThat(json().at("/pods/0/containers").size()).isEqualTo(2);

    assertThat(molo("pods", "-o", "json")).isZero();
    assertThat(json().at("/pods/0/addresses/0").asText()).isEqualTo("10.0.0.2");
    assertThat(molo("ps", "web")).isZero();
    assertThat(out.toString()).contains("CONTAINER", "one", "two", "Running");
    assertThat(molo("images", "-o", "json")).isZero();
    assertThat(json().at("/images/0/repoTags/0").asText()).isEqualTo("example.org/app:1");
    assertThat(molo("stats", "web/one", "-o", "json")).isZero();
    assertThat(json().at("/stats/0/memoryWorkingSetBytes").asLong()).isEqualTo(12);
    assertThat(json().at("/stats/0/nanoCores").isNull()).isTrue();
  }

  @Test
  void execPassesTheExitCodeOn() throws IOException {
    Path manifest = Files.writeString(dir.resolve("pod.yaml"), MANIFEST);
    assertThat(molo("run", "-f", manifest.toString())).isZero();
    daemon.execSays("", "", 42);

    assertThat(molo("exec", "web/one", "--", "false")).isEqualTo(42);
    assertThat(molo("exec", "web/three", "--", "x")).isEqualTo(ExitCode.NOT_FOUND);
    assertThat(molo("exec", "-t", "web/one", "--", "sh")).isEqualTo(ExitCode.FAILED);
    assertThat(err.toString()).contains("need CRI's streaming Exec");
    assertThat(molo("exec", "web", "--", "x")).isEqualTo(ExitCode.USAGE);
    assertThat(err.toString()).contains("several containers: web/one, web/two");
  }

  @Test
  void pullSaysTheImagesId() {
    assertThat(molo("pull", "example.org/app:2")).isZero();
    assertThat(out.toString()).contains("example.org/app:2", "abababababab");
  }

  @Test
  void aSocketWithALongPathIsReached() throws IOException {
    Path folder = dir;
    while (folder.toString().length() < 120) {
      folder = folder.resolve("deeper");
    }
    Files.createDirectories(folder.getParent());
    Files.createSymbolicLink(folder, dir);
    clear();
    PrintWriter said = new PrintWriter(out);
    int status =
        MoloCommandLine.run(
            said,
            new PrintWriter(err, true),
            "pods",
            "-q",
            "-e",
            folder.resolve("molo.sock").toString());

    assertThat(status).as(err.toString()).isZero();
  }

  @Test
  void nobodyThereIsToldFromFailure() {
    int status =
        MoloCommandLine.run(
            new PrintWriter(out), new PrintWriter(err, true), "ps", "-e", "/nowhere/molo.sock");

    assertThat(status).isEqualTo(ExitCode.UNREACHABLE);
    assertThat(err.toString()).contains("no such socket");
  }

  private int molo(String... words) {
    clear();
    String[] all = new String[words.length + 2];
    all[0] = words[0];
    all[1] = "--endpoint";
    all[2] = "unix://" + daemon.socket();
    System.arraycopy(words, 1, all, 3, words.length - 1);
    return MoloCommandLine.run(new PrintWriter(out, true), new PrintWriter(err, true), all);
  }

  private void clear() {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
  }

  private JsonNode json() throws IOException {
    return new ObjectMapper().readTree(out.toString());
  }

  private List<String> verbs() {
    return daemon.verbs().stream().map(verb -> verb.replaceFirst(" .*", "")).toList();
  }

  private Path podFolder() throws IOException {
    try (var folders = Files.list(dir.resolve("manifests"))) {
      return folders.findFirst().orElseThrow();
    }
  }
}
