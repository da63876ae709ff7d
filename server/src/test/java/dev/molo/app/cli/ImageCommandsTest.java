package dev.molo.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.Patience;
import dev.molo.Program;
import dev.molo.config.HttpConfig;
import dev.molo.cri.FakeDaemon;
import dev.molo.http.HttpEdge;
import dev.molo.image.Digest;
import dev.molo.image.PullProgress;
import io.prometheus.client.CollectorRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code molo image …} over the real api.sock of a daemon that only remembers. */
class ImageCommandsTest {
  @TempDir Path dir;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private FakeDaemon daemon;
  private Vertx vertx;
  private HttpEdge http;

  @BeforeEach
  void serve() throws IOException {
    daemon = FakeDaemon.serve(dir);
    vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));
    http =
        new HttpEdge(
            vertx,
            new HttpConfig(false, "127.0.0.1", 0),
            dir.resolve("http.address"),
            dir.resolve("api.sock"),
            daemon.runtime(),
            daemon.images(),
            daemon.imageOperations(),
            new CollectorRegistry());
    http.start();
    assertThat(molo("pull", "example.org/app:1")).isZero();
  }

  @AfterEach
  void end() throws TimeoutException {
    http.close();
    vertx.close().await(60, TimeUnit.SECONDS);
    daemon.close();
  }

  @Test
  void tagAndUntagSayTheNamesThatAreLeft() {
    assertThat(molo("image", "tag", "example.org/app:1", "example.org/app:2")).isZero();
    assertThat(out.toString()).isEqualTo("abababababab" + "a example.org/app:2\n");
    assertThat(molo("image", "untag", "example.org/app:2")).isZero();
  }

  @Test
  void whatTheDaemonRefusesIsToldWithItsExitCode() {
    assertThat(molo("image", "untag", "example.org/none:1")).isEqualTo(ExitCode.NOT_FOUND);
    assertThat(err.toString()).contains("image example.org/none:1 is not in the store");
    assertThat(molo("image", "du", "--unknown")).isEqualTo(ExitCode.USAGE);
    assertThat(molo("image")).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void duShowsWhyALayerIsKept() throws IOException {
    assertThat(molo("image", "du")).isZero();
    assertThat(out.toString())
        .contains(
            "LAYER", "4.0 KiB", "image example.org/app:1; container 0c0c0c0c0c0c0", "1 layers");
    assertThat(molo("image", "du", "-o", "json")).isZero();
    assertThat(new ObjectMapper().readTree(out.toString()).at("/layers/0/bytes").asLong())
        .isEqualTo(4096);
  }

  @Test
  void verifySaysEachLayerAndFailsWhileDamageIsLeft() throws IOException {
    assertThat(molo("image", "verify")).isEqualTo(ExitCode.FAILED);
    assertThat(out.toString())
        .contains("damaged  file \"a\" is gone", "0 sound, 1 damaged, 0 repaired");
    assertThat(molo("image", "verify", "--repair", "-o", "json")).isZero();
    assertThat(new ObjectMapper().readTree(out.toString()).at("/layers/0/verdict").asText())
        .isEqualTo("repaired");
  }

  @Test
  void exportIsWrittenWholeOrNotAtAll() throws IOException {
    Path file = dir.resolve("out.tar");
    assertThat(molo("image", "export", "-f", file.toString(), "example.org/app:1")).isZero();
    assertThat(file).hasContent("archive of [example.org/app:1]");
    assertThat(out.toString()).contains("new: layers were compressed anew");

    Path broken = dir.resolve("broken.tar");
    assertThat(molo("image", "export", "-f", broken.toString(), "example.org/broken:1"))
        .isEqualTo(ExitCode.FAILED);
    assertThat(err.toString()).contains("layer is damaged");
    assertThat(broken).doesNotExist();
    assertThat(dir.resolve("broken.tar.part")).doesNotExist();

    assertThat(
            molo("image", "export", "--compression", "gzip", "--level", "12", "example.org/app:1"))
        .isEqualTo(ExitCode.USAGE);
    assertThat(err.toString()).contains("gzip has 1 to 9");
  }

  @Test
  void exportOfManyImagesSaysEachOfThem() {
    String[] words = new String[600];
    java.util.Arrays.fill(words, "example.org/app:1");
    words[0] = "image";
    words[1] = "export";
    words[2] = "-f";
    words[3] = dir.resolve("many.tar").toString();
    assertThat(molo(words)).as(err.toString()).isZero();
    assertThat(out.toString().lines().filter(line -> line.startsWith("image"))).hasSize(596);
  }

  /** A device, such as /dev/null, is not what a new file may take the place of. */
  @Test
  void exportIntoAPipeLeavesItAPipe() throws Exception {
    Path pipe = pipe();
    Future<String> read = beside(() -> Files.readString(pipe));
    assertThat(molo("image", "export", "-f", pipe.toString(), "example.org/app:1"))
        .as(err.toString())
        .isZero();
    assertThat(Patience.result("the pipe is read to its end", read))
        .isEqualTo("archive of [example.org/app:1]");
    assertThat(Files.readAttributes(pipe, BasicFileAttributes.class).isOther()).isTrue();
  }

  @Test
  void importReadsAPipeItself() throws Exception {
    Path pipe = pipe();
    Future<Path> written =
        beside(() ->
            Files.writeString(
                pipe, "example.org/from-fifo:1", java.nio.file.StandardOpenOption.WRITE));
    assertThat(molo("image", "import", pipe.toString())).as(err.toString()).isZero();
    assertThat(Patience.result("the pipe is written", written)).isEqualTo(pipe);
    assertThat(out.toString()).contains("example.org/from-fifo:1");
  }

  /**
   * Where a pipe's other end is awaited, in the kernel: that keeps neither a carrier nor a test.
   */
  private static <T> Future<T> beside(Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread.ofPlatform().daemon().start(task);
    return task;
  }

  private Path pipe() throws Exception {
    Path pipe = dir.resolve("pipe");
    assertThat(Program.run("mkfifo", pipe.toString()).status()).isZero();
    return pipe;
  }

  @Test
  void placesThatAreNotThereAreToldByTheirNames() {
    assertThat(molo("image", "import", "/nowhere/at-all.tar")).isEqualTo(ExitCode.NOT_FOUND);
    assertThat(err.toString()).contains("/nowhere/at-all.tar", "no such file");
    assertThat(molo("image", "export", "-f", "/nowhere/x.tar", "example.org/app:1"))
        .isEqualTo(ExitCode.USAGE);
    assertThat(err.toString()).contains("/nowhere/x.tar", "no such directory");
    assertThat(molo("image", "export", "-f", "/dev/full", "example.org/app:1"))
        .isEqualTo(ExitCode.FAILED);
    assertThat(err.toString()).contains("write the archive: No space left on device");
  }

  /** That a registry does not answer is not that the daemon does not. */
  @Test
  void exitCodesTellTheDaemonFromTheRegistryAndExplainEndsAsPullDoes() {
    assertThat(molo("image", "push", "example.org/app:1", "unreachable.example/app:1"))
        .isEqualTo(ExitCode.FAILED);
    assertThat(err.toString()).contains("the registry does not answer (UNAVAILABLE)");
    for (String name : List.of("unreachable.example/app:1", "no:such:reference")) {
      assertThat(molo("image", "explain", name)).as(name).isEqualTo(molo("pull", name));
    }
    assertThat(molo("pull", "unreachable.example/app:1")).isEqualTo(ExitCode.FAILED);
    String words = err.toString().substring("molo: ".length());
    assertThat(words).startsWith("RegistryUnavailable: ");
    assertThat(molo("image", "explain", "unreachable.example/app:1")).isEqualTo(ExitCode.FAILED);
    assertThat(out.toString()).endsWith("a pull would fail: " + words);
  }

  @Test
  void pullsUnderWayAreShownLayerByLayer() throws IOException {
    assertThat(molo("images", "--pulling")).isZero();
    Digest layer = Digest.parse("sha256:" + "12".repeat(32));
    daemon.pulling(
        new PullProgress(
            "example.org/slow:1",
            PullProgress.Stage.FETCHING,
            Instant.EPOCH,
            List.of(
                new PullProgress.Layer(
                    layer, PullProgress.LayerStage.FETCHING, 1 << 20, 4 << 20, 2048))));
    assertThat(molo("images", "--pulling")).isZero();
    assertThat(out.toString())
        .contains("example.org/slow:1: fetching", "1212121212121 [=====   ")
        .contains("1.0 MiB /   4.0 MiB  fetching 2.0 KiB/s");
    assertThat(molo("images", "--pulling", "-o", "json")).isZero();
    assertThat(new ObjectMapper().readTree(out.toString()).at("/pulling/0/layers/0/bytes").asInt())
        .isEqualTo(1 << 20);
  }

  @Test
  void inspectShowsNamesConfigurationAndLayers() throws IOException {
    assertThat(molo("image", "inspect", "example.org/app:1")).isZero();
    JsonNode image = new ObjectMapper().readTree(out.toString());
    assertThat(image.at("/repoTags/0").asText()).isEqualTo("example.org/app:1");
    assertThat(image.at("/info/imageSpec/config/Env/0").asText()).isEqualTo("PATH=/bin");
    assertThat(image.at("/info/imageSpec/rootfs/diff_ids/0").asText()).startsWith("sha256:efef");
    assertThat(molo("image", "inspect", "example.org/none:1")).isEqualTo(ExitCode.NOT_FOUND);
    assertThat(err.toString()).contains("image example.org/none:1 is not in the store");
  }

  @Test
  void rmTakesWhatIsThereAndTellsWhatIsNot() {
    assertThat(molo("image", "rm")).isEqualTo(ExitCode.USAGE);
    assertThat(molo("image", "rm", "--unused", "example.org/app:1")).isEqualTo(ExitCode.USAGE);
    assertThat(molo("image", "rm", "example.org/none:1", "example.org/app:1"))
        .isEqualTo(ExitCode.NOT_FOUND);
    assertThat(out.toString()).isEqualTo("removed ababababababa example.org/app:1\n");
    assertThat(err.toString()).contains("image example.org/none:1 is not in the store");
    assertThat(daemon.images().list()).isEmpty();
    assertThat(molo("pull", "example.org/app:1")).isZero();
    assertThat(molo("image", "rm", "--unused", "-o", "json")).isZero();
    assertThat(out.toString()).contains("\"removed\"", "example.org/app:1");
    assertThat(daemon.images().list()).isEmpty();
  }

  @Test
  void importTakesAFileOrAPipe() throws IOException {
    Path file = Files.writeString(dir.resolve("in.tar"), "example.org/from-file:1");
    assertThat(molo("image", "import", file.toString())).as(err.toString()).isZero();
    assertThat(out.toString()).contains("example.org/from-file:1");

    InputStream before = System.in;
    try {
      System.setIn(
          new ByteArrayInputStream("example.org/from-pipe:1".getBytes(StandardCharsets.UTF_8)));
      assertThat(molo("image", "import", "-")).as(err.toString()).isZero();
    } finally {
      System.setIn(before);
    }
    assertThat(out.toString()).contains("example.org/from-pipe:1");
    try (var left = Files.list(dir)) {
      assertThat(left.map(p -> p.getFileName().toString())).noneMatch(n -> n.startsWith("upload-"));
    }
  }

  @Test
  void pushSaysWhatBecameOfEachLayer() {
    assertThat(molo("image", "push", "example.org/app:1", "example.org/copy:2")).isZero();
    assertThat(out.toString())
        .contains("4.0 KiB mounted", "pushed   example.org/copy:2", "(the one it came with)");
  }

  @Test
  void explainSaysWhatAPullWouldDoAndEndsAsItWould() throws IOException {
    assertThat(molo("image", "explain", "example.org/app:1")).isZero();
    assertThat(out.toString())
        .contains(
            "example.org/app:1",
            "/etc/molo/certs.d/_default/hosts.toml",
            "https://mirror.example",
            "503 busy",
            "7 ms",
            "linux/amd64: it fits best",
            "to fetch",
            "4.0 KiB to download",
            "likely not enough",
            "policy admits",
            "a pull would succeed");
    assertThat(molo("image", "explain", "example.org/refused:1")).isEqualTo(ExitCode.NOT_FOUND);
    assertThat(out.toString())
        .contains("a pull would fail: pull example.org/refused:1: gone (NOT_FOUND)");
    assertThat(molo("image", "explain", "-o", "json", "example.org/refused:1"))
        .isEqualTo(ExitCode.NOT_FOUND);
    assertThat(new ObjectMapper().readTree(out.toString()).at("/hosts/0/outcome").asText())
        .isEqualTo("503 busy");
    String formatted = out.toString();
    assertThat(molo("image", "explain", "--json", "example.org/refused:1"))
        .isEqualTo(ExitCode.NOT_FOUND);
    assertThat(out).hasToString(formatted);
    assertThat(molo("image", "explain", "no:such:reference")).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void nobodyOnTheSocketIsToldFromFailure() {
    http.close();
    assertThat(molo("image", "du")).isEqualTo(ExitCode.UNREACHABLE);
    assertThat(err.toString()).contains("api.sock", "no such socket");
    http =
        new HttpEdge(
            vertx,
            new HttpConfig(false, "127.0.0.1", 0),
            dir.resolve("http.address"),
            dir.resolve("api.sock"),
            daemon.runtime(),
            daemon.images(),
            daemon.imageOperations(),
            new CollectorRegistry());
    http.start();
  }

  /** Silence is not waited for without end where nothing is being moved. */
  @Test
  void daemonThatDoesNotAnswerIsGivenUp() throws IOException {
    Path run = Files.createDirectory(dir.resolve("silent"));
    try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      silent.bind(UnixDomainSocketAddress.of(run.resolve("api.sock")));
      String endpoint = run.resolve("molo.sock").toString();
      int status =
          MoloCommandLine.run(
              new PrintWriter(out, true),
              new PrintWriter(err, true),
              "image",
              "du",
              "--timeout",
              "1",
              "--endpoint",
              endpoint);
      assertThat(status).isEqualTo(ExitCode.FAILED);
      assertThat(err.toString()).contains("no answer within 1 s");
    }
  }

  private int molo(String... words) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    String[] all = new String[words.length + 2];
    System.arraycopy(words, 0, all, 0, words.length);
    all[words.length] = "--endpoint";
    all[words.length + 1] = "unix://" + daemon.socket();
    return MoloCommandLine.run(new PrintWriter(out, true), new PrintWriter(err, true), all);
  }
}
