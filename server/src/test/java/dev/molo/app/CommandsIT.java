package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.Patience;
import dev.molo.Program;
import dev.molo.app.cli.Molo;
import dev.molo.app.cli.Molo.Ran;
import dev.molo.cri.v1.StatusRequest;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The program {@code molo} against a real daemon, as its user sees it. */
@ExtendWith(RealKernel.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CommandsIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MANIFEST =
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: web, labels: {app: web}}
      spec:
        terminationGracePeriodSeconds: 1
        containers:
          - name: writer
            image: example.test/probe:1
            imagePullPolicy: Never
            args: [write, /scratch/word, from the writer]
            volumeMounts: [{name: scratch, mountPath: /scratch}]
          - name: talker
            image: example.test/probe:1
            imagePullPolicy: Never
            args: [flood, "300", "1"]
            env: [{name: GREETING, value: hello}]
          - name: sleeper
            image: example.test/probe:1
            imagePullPolicy: Never
            args: [sleep, "1000"]
            volumeMounts: [{name: scratch, mountPath: /scratch}]
        volumes: [{name: scratch, emptyDir: {}}]
      """;

  @TempDir private static Path folder;
  private TestNode node;

  @BeforeAll
  void start() throws IOException, InterruptedException {
    node = new TestNode("cli", folder);
    node.daemon().serveHttp();
    node.daemon().start();
  }

  @AfterEach
  void clear() {
    node.clear();
  }

  @AfterAll
  void end() throws IOException, InterruptedException {
    node.end();
  }

  private Ran molo(String... words) {
    List<String> all = new ArrayList<>(List.of(words));
    int dashes = all.indexOf("--");
    List<String> endpoint = List.of("--endpoint", endpoint());
    all.addAll(dashes < 0 ? all.size() : dashes, endpoint);
    return Molo.run(all.toArray(String[]::new));
  }

  /** What a command that succeeds writes to the process's own stdout, line by line. */
  private List<String> process(String command, String... words)
      throws IOException, InterruptedException {
    List<String> all = command(command, "--endpoint", endpoint());
    all.addAll(List.of(words));
    Program.Ended ended =
        Program.run(new ProcessBuilder(all).redirectError(ProcessBuilder.Redirect.DISCARD));
    assertThat(ended.status()).as(ended.output()).isZero();
    return ended.output().lines().toList();
  }

  /** The exit status of the program itself, whose standard output is a file. */
  private int exportToStandardOutput(String image, Path file)
      throws IOException, InterruptedException {
    return Patience.exit(
        "the image is exported",
        new ProcessBuilder(command("image", "export", image, "--endpoint", endpoint()))
            .redirectOutput(file.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start());
  }

  private String endpoint() {
    return node.daemon().run().resolve("molo.sock").toString();
  }

  private static List<String> command(String... words) {
    List<String> all = new ArrayList<>();
    all.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    all.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    all.addAll(List.of("-cp", System.getProperty("java.class.path"), "dev.molo.app.Main"));
    all.addAll(List.of(words));
    return all;
  }

  private Ran doctor(String... words) {
    List<String> all = new ArrayList<>(List.of("doctor"));
    all.addAll(node.daemon().names());
    all.addAll(List.of(words));
    return Molo.run(all.toArray(String[]::new));
  }

  private static JsonNode json(Ran ran) throws IOException {
    assertThat(ran.status()).as(ran.err()).isZero();
    return JSON.readTree(ran.out());
  }

  @Test
  void aPodOfAManifestLivesAndGoesWithAllItHad() throws IOException, InterruptedException {
    Path manifest = Files.writeString(folder.resolve("pod.yaml"), MANIFEST);

    JsonNode pod = json(molo("run", "-f", manifest.toString(), "-o", "json")).at("/pods/0");
    Path own = node.daemon().root().resolve("manifests").resolve(pod.get("uid").asText());
    Path word = own.resolve("volumes/scratch/word");
    TestNode.until("the writer has written", () -> Files.exists(word) && Files.size(word) > 0);
    assertThat(word).hasContent("from the writer");
    assertThat(
            molo("exec", "web/sleeper", "--", "/bin/probe", "write", "/scratch/too", "x").status())
        .isZero();
    assertThat(own.resolve("volumes/scratch/too")).hasContent("x");
    assertThat(molo("exec", "web/sleeper", "--", "/bin/probe", "exit", "7").status()).isEqualTo(7);
    // follows to the container's end
    assertThat(process("logs", "-f", "web/talker")).hasSize(300);
    assertThat(process("logs", "--tail", "1", "web/talker"))
        .singleElement()
        .asString()
        .startsWith("line 000000299");
    assertThat(process("exec", "web/sleeper", "--", "/bin/probe", "cat", "/scratch/word"))
        .containsExactly("from the writer");
    assertThat(molo("ps", "-a").out()).contains("writer", "talker", "sleeper", "web");
    assertThat(json(molo("stats", "-o", "json")).findValuesAsText("name")).contains("sleeper");
    assertThat(molo("pods").out()).contains("web").contains(pod.at("/addresses/0").asText());

    assertThat(json(molo("rm", "web", "-o", "json")).at("/removed/0").asText())
        .isEqualTo("default/web");

    assertThat(own).doesNotExist();
    assertThat(json(molo("pods", "-o", "json")).get("pods")).isEmpty();
    assertThat(molo("rm", "-f", manifest.toString()).status()).isZero();
    assertThat(molo("rm", "web").status()).isEqualTo(3);
  }

  @Test
  void whatARunningContainerWroteBecomesAnImageThatRuns() throws IOException, InterruptedException {
    Path manifest = Files.writeString(folder.resolve("origin.yaml"), MANIFEST);
    assertThat(molo("run", "-f", manifest.toString()).status()).isZero();
    assertThat(
            molo("exec", "web/sleeper", "--", "/bin/probe", "write", "/made", "by hand").status())
        .isZero();

    Ran committed = molo("commit", "web/sleeper", "example.test/made:1", "--comment", "by hand");
    assertThat(committed.status()).as(committed.err()).isZero();
    assertThat(committed.out()).contains("example.test/made:1");
    assertThat(molo("rm", "web").status()).isZero();
    String next =
        MANIFEST.replace("example.test/probe:1", "example.test/made:1").replace("web", "next");
    assertThat(
            molo("run", "-f", Files.writeString(folder.resolve("next.yaml"), next).toString())
                .status())
        .isZero();

    assertThat(process("exec", "next/sleeper", "--", "/bin/probe", "cat", "/made"))
        .containsExactly("by hand");
    Path archive = folder.resolve("made.tar");
    Ran exported = molo("image", "export", "example.test/made:1", "-f", archive.toString());
    assertThat(exported.status()).as(exported.err()).isZero();
    assertThat(Files.size(archive)).isPositive();
    Path piped = folder.resolve("piped.tar");
    assertThat(exportToStandardOutput("example.test/made:1", piped)).isZero();
    assertThat(Files.mismatch(archive, piped)).isEqualTo(-1);
    assertThat(exportToStandardOutput("example.test/made:1", Path.of("/dev/full")))
        .as("a disk that is full")
        .isEqualTo(1);
    assertThat(molo("rm", "next").status()).isZero();
    assertThat(molo("image", "untag", "example.test/made:1").status()).isZero();
  }

  @Test
  void verboseStatusTellsConfigurationKernelCgroupsNetworkAndHandlers() throws IOException {
    Map<String, String> info =
        node.cri().status(StatusRequest.newBuilder().setVerbose(true).build()).getInfoMap();

    JsonNode config = JSON.readTree(info.get("config"));
    assertThat(config.get("root").asText()).isEqualTo(node.daemon().root().toString());
    assertThat(config.get("run").asText()).isEqualTo(node.daemon().run().toString());
    assertThat(config.at("/cgroup/missingControllers").asText()).isEqualTo("warn");
    assertThat(config.at("/timeouts/undo").asText()).isEqualTo("1m");
    assertThat(config.at("/mounts/createMissing").asBoolean()).isTrue();
    JsonNode kernel = JSON.readTree(info.get("kernel"));
    assertThat(kernel.at("/features").findValuesAsText("name")).contains("openat2", "cgroup.kill");
    assertThat(JSON.readTree(info.get("cgroup")).get("driver").asText()).isEqualTo("cgroupfs");
    assertThat(JSON.readTree(info.get("network")).get("subnets")).isNotEmpty();
    assertThat(JSON.readTree(info.get("runtime")).at("/handlers").properties()).isNotEmpty();
  }

  @Test
  void doctorAsksTheDaemonAndSaysWhatToDo() throws IOException {
    Path registry = folder.resolve("config/certs.d/registry.example.test");
    Files.createDirectories(registry);
    Files.writeString(registry.resolve("hosts.toml"), "ca = \"no-such.crt\"\n");

    Ran said = doctor();
    JsonNode rows = JSON.readTree(doctor("-o", "json").out());

    assertThat(said.status()).isEqualTo(1);
    assertThat(said.out())
        .containsPattern("CRI socket +ok +" + node.daemon().run() + "/molo.sock: molo ")
        .containsPattern("NetworkReady +ok")
        .containsPattern("HTTP +ok +127.0.0.1:\\d+: ok")
        .containsPattern("root folder +ok")
        .containsPattern("openat2 +ok")
        .containsPattern("registry registry.example.test +NO +\\S*no-such.crt cannot be read")
        .contains("- registry registry.example.test: mend that file");
    assertThat(rows.findValuesAsText("name")).contains("cgroup controllers", "molo-supervisor");
    try (Stream<Path> left = Files.list(node.daemon().root())) {
      assertThat(left).noneMatch(path -> path.getFileName().toString().contains("doctor"));
    }
    Files.delete(registry.resolve("hosts.toml"));
    Files.delete(registry);
  }

  @Test
  void doctorNamesTheStepThatHangs() throws Exception {
    node.daemon().hold("StartContainer:open log");
    try {
      String pod = node.pod("hung");
      String container = node.create(pod, node.containerConfig("main", "exit", "0"));
      Thread start = Thread.ofVirtual().start(() -> node.start(container));
      TestNode.until(
          "doctor sees it", () -> doctor().out().contains("StartContainer of container"));

      assertThat(doctor().out())
          .containsPattern(
              "StartContainer of container %s\\w* of pod %s\\w* +NO +at \"open log\" for \\d+ s, since \\S+, waits for the log directory"
                  .formatted(container.substring(0, 12), pod.substring(0, 12)))
          .contains("look for a file system that hangs");
      node.daemon().letGo();
      Patience.end("the start goes on", start);
    } finally {
      node.daemon().letGo();
    }
  }

  @Test
  void readOnlyCommandsWithoutADaemonFailAtOnce() {
    Ran ran = Molo.run("ps", "--endpoint", folder.resolve("nobody.sock").toString());

    assertThat(ran.status()).isEqualTo(4);
    assertThat(ran.err()).contains("no such socket", "molo serve");
  }
}
