package dev.molo.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.config.HttpConfig;
import dev.molo.cri.FakeDaemon;
import dev.molo.image.Digest;
import dev.molo.image.PullProgress;
import io.prometheus.client.CollectorRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class HttpEdgeTest {
  @TempDir Path dir;
  private FakeDaemon daemon;
  private Vertx vertx;
  private HttpEdge edge;
  private int port;

  @BeforeEach
  void serve() throws IOException {
    daemon = FakeDaemon.serve(dir);
    vertx = Vertx.vertx();
    edge =
        new HttpEdge(
            vertx,
            new HttpConfig(true, "127.0.0.1", 0),
            dir.resolve("http.address"),
            dir.resolve("api.sock"),
            daemon.runtime(),
            daemon.images(),
            daemon.imageOperations(),
            new CollectorRegistry());
    String address = edge.start();
    String tcp = Files.readString(dir.resolve("http.address")).strip();
    assertThat(address).isEqualTo(dir.resolve("api.sock") + " and " + tcp);
    port = Integer.parseInt(tcp.substring(tcp.indexOf(':') + 1));
  }

  @AfterEach
  void end() throws TimeoutException {
    edge.close();
    assertThat(dir.resolve("http.address")).doesNotExist();
    assertThat(dir.resolve("api.sock")).doesNotExist();
    vertx.close().await(60, TimeUnit.SECONDS);
    daemon.close();
  }

  @Test
  void healthAndReadinessAreTwoThings() throws IOException {
    assertThat(get("/healthz")).startsWith("HTTP/1.1 200").endsWith("ok\n");
    String answer = get("/readyz");
    assertThat(answer).startsWith("HTTP/1.1 503");
    JsonObject readiness = json(answer);
    assertThat(readiness.getJsonObject("network").getString("reason")).isEqualTo("NoNat");
    assertThat(readiness.getJsonArray("slowStages").getJsonObject(0).getString("step"))
        .isEqualTo("network");
  }

  @Test
  void listingsAreJson() throws IOException {
    assertThat(json(get("/v1/pods")).getJsonArray("pods")).isEmpty();
    assertThat(json(get("/v1/containers")).getJsonArray("containers")).isEmpty();
    assertThat(json(get("/v1/images")).getJsonObject("usage").getLong("bytes")).isEqualTo(99);
  }

  @Test
  void metricsAreInPrometheusFormat() throws IOException {
    assertThat(get("/metrics"))
        .contains("text/plain; version=0.0.4", "molo_image_store_bytes 99.0", "molo_threads ")
        .contains(
            "molo_unaccounted_pods 1.0",
            "molo_quarantined_records 2.0",
            "molo_undeleted_folders 3.0");
  }

  @Test
  void pullUnderWayIsSeenLayerByLayer() throws IOException {
    Digest layer = Digest.ofBytes(new byte[] {1});
    daemon.pulling(
        new PullProgress(
            "example.org/app:1",
            PullProgress.Stage.FETCHING,
            Instant.EPOCH,
            List.of(
                new PullProgress.Layer(layer, PullProgress.LayerStage.PRESENT, 0, 7, 0),
                new PullProgress.Layer(layer, PullProgress.LayerStage.FETCHING, 40, 90, 12),
                new PullProgress.Layer(layer, PullProgress.LayerStage.FETCHING, 50, 90, 30))));
    assertThat(get("/metrics"))
        .contains(
            "molo_image_pulls 1.0",
            "molo_image_pull_layers{state=\"fetching\",} 2.0",
            "molo_image_pull_layers{state=\"present\",} 1.0",
            "molo_image_pull_bytes_per_second 42.0");
    JsonObject pull = json(get("/v1/images")).getJsonArray("pulling").getJsonObject(0);
    assertThat(pull.getString("stage")).isEqualTo("fetching");
    assertThat(pull.getJsonArray("layers").getJsonObject(2).getMap())
        .containsEntry("stage", "fetching")
        .containsEntry("bytes", 50)
        .containsEntry("totalBytes", 90)
        .containsEntry("bytesPerSecond", 30);
  }

  /** As many as may be are under way: the next one's archive has been sent in vain, and goes. */
  @Test
  void archiveThatCannotBeImportedNowIsNotKept() throws Exception {
    List<SocketChannel> underWay = new ArrayList<>();
    try {
      for (int i = 0; i < 8; i++) {
        underWay.add(importing("example.org/slow"));
        assertThat(Channels.newInputStream(underWay.getLast()).read()).isPositive();
      }
      assertThat(uploads()).isEqualTo(8);
      assertThat(local(importRequest("example.org/next:1")))
          .startsWith("HTTP/1.1 503")
          .contains("8 long requests");
      for (int i = 0; i < 6000 && uploads() > 8; i++) {
        Thread.sleep(10);
      }
      assertThat(uploads()).isEqualTo(8);
    } finally {
      for (SocketChannel one : underWay) {
        one.close();
      }
    }
  }

  /** It goes on writing until all of it is taken, and only then hears what became of it. */
  @Test
  @Timeout(60)
  void whoSendsAnArchiveThatCannotBeStoredHearsOfIt() throws IOException {
    daemon.scratch(dir.resolve("nowhere"));
    assertThat(local(importRequest("x".repeat(8 << 20))))
        .startsWith("HTTP/1.1 507")
        .contains("the archive cannot be stored");
  }

  /** Its client waits for an answer without a limit. */
  @Test
  @Timeout(60)
  void whatEndsWithAnErrorIsAnswered() throws IOException {
    String image = "example.org/out-of-memory:1";
    assertThat(local(verb("tag", "{\"image\": \"%s\", \"name\": \"%s\"}".formatted(image, image))))
        .startsWith("HTTP/1.1 500")
        .contains("the daemon failed");
    assertThat(local(verb("push", "{\"image\": \"%s\"}".formatted(image))))
        .startsWith("HTTP/1.1 500")
        .contains("the daemon failed");
  }

  private static String verb(String what, String body) {
    return "POST /v1/images/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(what, body.length(), body);
  }

  private SocketChannel importing(String content) throws IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(dir.resolve("api.sock")));
    channel.write(
        ByteBuffer.wrap(closing(importRequest(content)).getBytes(StandardCharsets.UTF_8)));
    return channel;
  }

  private static String importRequest(String content) {
    return "POST /v1/images/import HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(content.length(), content);
  }

  private long uploads() throws IOException {
    try (Stream<Path> all = Files.list(dir)) {
      return all.filter(file -> file.getFileName().toString().startsWith("upload-")).count();
    }
  }

  @Test
  void errorsHaveTheRightStatusAndACode() throws IOException {
    String unknown = get("/v1/containers/0123/stats");
    assertThat(unknown).startsWith("HTTP/1.1 404");
    assertThat(json(unknown).getJsonObject("error").getString("code")).isEqualTo("NOT_FOUND");
    assertThat(get("/v1/nothing")).startsWith("HTTP/1.1 404");
    assertThat(ask("POST /v1/pods HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"))
        .startsWith("HTTP/1.1 405")
        .containsIgnoringCase("allow: GET, HEAD");
    assertThat(get("/v1/containers?pod=")).startsWith("HTTP/1.1 400");
    assertThat(get("/" + "x".repeat(5000))).contains(" 414 ");
  }

  @Test
  void aNameInTheHostHeaderIsNotAnswered() throws IOException {
    assertThat(ask("GET /v1/pods HTTP/1.1\r\nHost: evil.example\r\n")).startsWith("HTTP/1.1 403");
    assertThat(ask("GET /v1/pods HTTP/1.1\r\nHost: [::1]:7780\r\n")).startsWith("HTTP/1.1 200");
  }

  @Test
  void socketIsForRootAlone() throws IOException {
    assertThat(
            PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("api.sock"))))
        .isEqualTo("rw-------");
    assertThat(dir.resolve(".api")).doesNotExist();
  }

  @Test
  void verbsAreForTheSocketOnly() throws IOException {
    String verb =
        "POST /v1/images/untag HTTP/1.1\r\nHost: localhost\r\nContent-Length: 19\r\n\r\n"
            + "{\"name\": \"nothing\"}";
    assertThat(raw(closing(verb))).startsWith("HTTP/1.1 405");
    assertThat(local(verb)).startsWith("HTTP/1.1 404").contains("nothing");
    assertThat(local("GET /v1/pods HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .startsWith("HTTP/1.1 200");
  }

  @Test
  void unknownFieldsOfAVerbAreRefused() throws IOException {
    String answer =
        local(
            "POST /v1/images/untag HTTP/1.1\r\nHost: localhost\r\nContent-Length: 25\r\n\r\n"
                + "{\"name\": \"a\", \"force\": 1}");
    assertThat(answer).startsWith("HTTP/1.1 400").contains("unknown field force");
  }

  private static String closing(String request) {
    return request.replaceFirst("\r\n", "\r\nConnection: close\r\n");
  }

  /** Over the unix socket; reads until the end of the connection. */
  private String local(String request) throws IOException {
    try (SocketChannel channel =
        SocketChannel.open(UnixDomainSocketAddress.of(dir.resolve("api.sock")))) {
      ByteBuffer all = ByteBuffer.wrap(closing(request).getBytes(StandardCharsets.UTF_8));
      while (all.hasRemaining()) {
        channel.write(all);
      }
      return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private String get(String path) throws IOException {
    return ask("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n");
  }

  private String ask(String head) throws IOException {
    return raw(head + "Connection: close\r\n\r\n");
  }

  /** A whole request; it has to ask for the connection's end. */
  private String raw(String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(60_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static JsonObject json(String answer) {
    return new JsonObject(answer.substring(answer.indexOf("\r\n\r\n") + 4));
  }
}
