package dev.molo.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.config.HttpConfig;
import dev.molo.cri.FakeDaemon;
import dev.molo.http.HttpEdge;
import io.prometheus.client.CollectorRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
  void end() {
    http.close();
    vertx.close().await();
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
        .contains("LAYER", "4.0 KiB", "image sha256:abab", "example.org/app:1", "1 layers");
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
