package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.Reference;
import dev.molo.image.RegistryAuth;
import dev.molo.image.content.Blob;
import dev.molo.image.content.Descriptor;
import io.vertx.core.Vertx;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Uploads to a registry that keeps what it has been sent when a request fails, and says how much
 * that is (OCI distribution-spec, "Pushing a blob in chunks"). Debian's docker-registry does not.
 */
final class PushSessionIT {
  private static final String PLACE = "/v2/app/blobs/uploads/1";
  private static final int SIZE = (40 << 20) + 7;

  @TempDir Path certs;
  private final StringBuilder taken = new StringBuilder();
  private Vertx vertx;
  private ScriptedRegistry registry;
  private RegistryClient client;
  private Letters blob;

  /** ASCII, so that it can be kept as text. */
  private static final class Letters implements Blob {
    private final byte[] bytes = new byte[SIZE];
    private int opened;

    Letters() {
      Random random = new Random(3);
      for (int i = 0; i < SIZE; i++) {
        bytes[i] = (byte) ('a' + random.nextInt(26));
      }
    }

    @Override
    public Descriptor descriptor() {
      return Descriptor.of("application/octet-stream", Digest.ofBytes(bytes), SIZE);
    }

    @Override
    public InputStream open() {
      opened++;
      return new ByteArrayInputStream(bytes);
    }

    @Override
    public void close() {
      // nothing was made
    }
  }

  @BeforeEach
  void start() throws IOException {
    vertx = Vertx.vertx();
    registry = new ScriptedRegistry();
    client =
        new RegistryClient(
            vertx,
            new RegistrySettings(
                List.of(certs),
                Set.of(),
                List.of(),
                "molo-test",
                new RegistrySettings.Limits(
                    Duration.ofSeconds(15), Duration.ofSeconds(60), 4096, 3, 3),
                Proxies.none()),
            certs.resolve("proxies"));
    blob = new Letters();
    registry.on("/v2/app/blobs/uploads/", PushSessionIT::accepted);
    registry.on(PLACE, this::upload);
  }

  @AfterEach
  void stop() throws TimeoutException {
    client.close();
    vertx.close().await(60, TimeUnit.SECONDS);
    registry.close();
  }

  private static void accepted(HttpExchange exchange) throws IOException {
    exchange.getResponseHeaders().add("Location", PLACE);
    ScriptedRegistry.reply(exchange, 202, "");
  }

  private void upload(HttpExchange exchange) throws IOException {
    ScriptedRegistry.Asked asked = registry.asked().getLast();
    switch (exchange.getRequestMethod()) {
      case "PATCH" -> patch(exchange, asked);
      case "GET" -> {
        exchange.getResponseHeaders().add("Range", "0-" + (taken.length() - 1));
        exchange.getResponseHeaders().add("Location", PLACE);
        ScriptedRegistry.reply(exchange, 204, "");
      }
      default -> {
        boolean whole = asked.query().equals("digest=" + digestOf(taken)) && asked.body().isEmpty();
        ScriptedRegistry.reply(exchange, whole ? 201 : 400, "");
      }
    }
  }

  private static Digest digestOf(CharSequence text) {
    return Digest.ofBytes(text.toString().getBytes(StandardCharsets.US_ASCII));
  }

  /** Of the second chunk it gets no more than a part. */
  private void patch(HttpExchange exchange, ScriptedRegistry.Asked asked) throws IOException {
    if (!asked.header("Content-range").startsWith(taken.length() + "-")) {
      ScriptedRegistry.reply(exchange, 416, "");
      return;
    }
    if (taken.length() == 16 << 20) {
      taken.append(asked.body(), 0, 5_000_000);
      ScriptedRegistry.reply(exchange, 500, "");
      return;
    }
    taken.append(asked.body());
    accepted(exchange);
  }

  @Test
  void uploadGoesOnAtTheByteThatTheRegistryNames() {
    client
        .openPush(
            Reference.parse(registry.address() + "/app:1"),
            RegistryAuth.anonymous(),
            Cancellation.create())
        .upload(blob, _ -> {}, Cancellation.create());

    assertThat(taken).hasSize(SIZE);
    assertThat(digestOf(taken)).isEqualTo(blob.descriptor().digest());
    assertThat(registry.asked(PLACE))
        .filteredOn(asked -> asked.method().equals("PATCH"))
        .extracting(asked -> asked.header("Content-range"))
        .containsExactly(
            "0-16777215", "16777216-33554431", "21777216-38554431", "38554432-41943046");
    assertThat(blob.opened).as("from its beginning, and from where it broke").isEqualTo(2);
  }

  /** Each failure of the next chunk takes the one before along. */
  @Test
  @Timeout(120)
  void registryThatForgetsWhatItTookIsGivenUp() {
    AtomicInteger patches = new AtomicInteger();
    registry.on(
        PLACE,
        exchange -> {
          registry.asked().clear();
          if (exchange.getRequestMethod().equals("GET")) {
            exchange.getResponseHeaders().add("Range", "0-0");
            ScriptedRegistry.reply(exchange, 204, "");
          } else if (patches.incrementAndGet() % 2 == 1) {
            accepted(exchange);
          } else {
            ScriptedRegistry.reply(exchange, 500, "");
          }
        });
    PushSession session =
        client.openPush(
            Reference.parse(registry.address() + "/app:1"),
            RegistryAuth.anonymous(),
            Cancellation.create());

    assertThatThrownBy(() -> session.upload(blob, _ -> {}, Cancellation.create()))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("500");
    assertThat(patches).as("three times, each with three failures").hasValue(18);
  }

  @Test
  void tokenThatExpiresBetweenTwoChunksIsAskedForAnew() {
    AtomicInteger tokens = new AtomicInteger();
    registry.on(
        "/token",
        exchange -> {
          String token = "t" + tokens.incrementAndGet();
          ScriptedRegistry.reply(exchange, 200, "{\"token\":\"" + token + "\"}");
        });
    registry.on(
        "/v2/app/blobs/uploads/", exchange -> authorised(exchange, PushSessionIT::accepted));
    registry.on(PLACE, exchange -> authorised(exchange, this::uploadWhole));

    client
        .openPush(
            Reference.parse(registry.address() + "/app:1"),
            new RegistryAuth.Basic("user", "secret"),
            Cancellation.create())
        .upload(blob, _ -> {}, Cancellation.create());

    assertThat(digestOf(taken)).isEqualTo(blob.descriptor().digest());
    assertThat(tokens).hasValue(2);
    assertThat(registry.asked("/token").getLast().query())
        .as("for what was refused")
        .contains("scope=repository:app:pull,push");
    assertThat(registry.asked(PLACE))
        .filteredOn(asked -> asked.method().equals("PATCH"))
        .extracting(asked -> asked.header("Authorization"))
        .as("the second chunk is refused, and sent once more")
        .containsExactly("Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2");
  }

  /** The first token is good for the first chunk. */
  private void authorised(HttpExchange exchange, HttpHandler handler) throws IOException {
    String valid = taken.isEmpty() ? "Bearer t1" : "Bearer t2";
    if (registry.asked().getLast().header("Authorization").equals(valid)) {
      handler.handle(exchange);
      return;
    }
    exchange
        .getResponseHeaders()
        .add(
            "WWW-Authenticate",
            "Bearer realm=\"" + registry.url("/token") + "\",scope=\"repository:app:pull,push\"");
    ScriptedRegistry.reply(exchange, 401, "");
  }

  private void uploadWhole(HttpExchange exchange) throws IOException {
    ScriptedRegistry.Asked asked = registry.asked().getLast();
    if (exchange.getRequestMethod().equals("PATCH")) {
      taken.append(asked.body());
      accepted(exchange);
    } else {
      upload(exchange);
    }
  }
}
