package dev.molo.http;

import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.ImageOperations;
import dev.molo.image.Images;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.PodRuntime;
import dev.molo.pod.RuntimeCondition;
import dev.molo.pod.SandboxSnapshot;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.exporter.common.TextFormat;
import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which path is answered by what: the same questions on every listener, and the verbs of {@link
 * ImageVerbs} only where a listener is for root alone. A request is taken on its event loop, its
 * answer is made on a virtual thread, at most {@value #MAX_AT_ONCE} at a time; further ones are
 * told to come back.
 */
final class Routes {
  private static final Logger LOG = LoggerFactory.getLogger(Routes.class);
  private static final int MAX_AT_ONCE = 32;
  private static final int MAX_LONG_AT_ONCE = 8;
  private static final Set<HttpMethod> READ_ONLY = Set.of(HttpMethod.GET, HttpMethod.HEAD);

  private final PodRuntime pods;
  private final Images images;
  private final ImageOperations operations;
  private final CollectorRegistry registry;
  private final Counter requests;
  private final Semaphore room = new Semaphore(MAX_AT_ONCE);
  private final Semaphore longRoom = new Semaphore(MAX_LONG_AT_ONCE);

  /** Registers its metrics, so once for each registry. */
  Routes(PodRuntime pods, Images images, ImageOperations operations, CollectorRegistry registry) {
    this.pods = pods;
    this.images = images;
    this.operations = operations;
    this.registry = registry;
    this.requests =
        Counter.build("molo_http_requests_total", "HTTP requests by status.")
            .labelNames("status")
            .register(registry);
    registry.register(new DaemonMetrics(pods, images));
  }

  /** Questions only, for a listener that asks nobody who he is. */
  Handler<HttpServerRequest> readOnly(Vertx vertx) {
    Router router = Router.router(vertx);
    router.route().handler(this::admit);
    router.route().handler(this::readsOnly);
    questions(router);
    router.route().handler(this::unknown);
    return router;
  }

  /** Questions and verbs, for a listener that only root reaches. */
  Handler<HttpServerRequest> whole(Vertx vertx) {
    Router router = Router.router(vertx);
    router.route().handler(this::admit);
    questions(router);
    new ImageVerbs(images, operations).addTo(router, this);
    new ImageExplanation(images).addTo(router, this);
    new ContainerVerbs(pods, operations).addTo(router, this);
    router.route().handler(this::unknown);
    return router;
  }

  private void questions(Router router) {
    router.get("/healthz").handler(context -> send(context, Answer.text("ok\n")));
    router.get("/readyz").handler(context -> answer(context, this::readiness));
    router.get("/metrics").handler(context -> answer(context, this::metrics));
    router.get("/v1/pods").handler(context -> answer(context, this::pods));
    router.get("/v1/containers").handler(context -> answer(context, this::containers));
    router.get("/v1/containers/:id/stats").handler(context -> answer(context, this::usage));
    router.get("/v1/images").handler(c -> answer(c, _ -> Answer.json(ImagesDocument.of(images))));
    router
        .get("/v1/layers")
        .handler(c -> answer(c, _ -> Answer.json(LayersDocument.of(operations, images))));
  }

  private void admit(RoutingContext context) {
    HttpServerRequest request = context.request();
    String host = Optional.ofNullable(request.getHeader("Host")).orElse("");
    if (!HostHeader.answered(host)) {
      send(
          context,
          Answer.error(
              403, "PERMISSION_DENIED", "the Host header must be an address or localhost"));
      return;
    }
    context.next();
  }

  private void readsOnly(RoutingContext context) {
    if (!READ_ONLY.contains(context.request().method())) {
      context.response().putHeader("Allow", "GET, HEAD");
      send(context, Answer.error(405, "UNIMPLEMENTED", "only GET and HEAD are offered"));
      return;
    }
    context.next();
  }

  private void unknown(RoutingContext context) {
    send(
        context,
        Answer.error(
            404, "NOT_FOUND", "no such path, or not with this method; see docs/http-api.md"));
  }

  private Answer readiness(RoutingContext context) {
    RuntimeCondition condition = pods.condition();
    return Answer.json(
        ReadinessDocument.ready(condition) ? 200 : 503, ReadinessDocument.of(condition));
  }

  private Answer metrics(RoutingContext context) {
    StringWriter text = new StringWriter();
    try {
      TextFormat.write004(text, registry.metricFamilySamples());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Answer(200, TextFormat.CONTENT_TYPE_004, text.toString());
  }

  private Answer pods(RoutingContext context) {
    Optional<String> namespace = query(context, "namespace");
    Optional<String> name = query(context, "name");
    List<SandboxSnapshot> found =
        pods.podSandboxes().stream()
            .filter(p -> namespace.map(p.spec().metadata().namespace()::equals).orElse(true))
            .filter(p -> name.map(p.spec().metadata().name()::equals).orElse(true))
            .toList();
    return Answer.json(PodsDocument.of(found, pods.containers()));
  }

  private Answer containers(RoutingContext context) {
    Optional<String> pod = query(context, "pod");
    if (pod.isPresent() && pod.get().isEmpty()) {
      throw FaultException.invalid("query parameter pod is empty");
    }
    List<ContainerSnapshot> found =
        pods.containers().stream()
            .filter(c -> pod.map(c.sandboxId().value()::startsWith).orElse(true))
            .toList();
    return Answer.json(ContainersDocument.of(found, pods.podSandboxes()));
  }

  private Answer usage(RoutingContext context) {
    return Answer.json(UsageDocument.of(pods.containerUsage(context.pathParam("id"))));
  }

  private static Optional<String> query(RoutingContext context, String name) {
    return context.queryParam(name).stream().findFirst();
  }

  void answer(RoutingContext context, Function<RoutingContext, Answer> make) {
    if (!room.tryAcquire()) {
      context.response().putHeader("Retry-After", "1");
      send(
          context,
          Answer.error(503, "UNAVAILABLE", MAX_AT_ONCE + " requests are being answered already"));
      return;
    }
    Context loop = context.vertx().getOrCreateContext();
    Thread.ofVirtual()
        .name("http-answer")
        .start(() -> {
          Answer made = made(context, make);
          loop.runOnContext(_ -> send(context, made));
        });
  }

  /** Work that takes long and says how far it is. */
  interface LongWork {
    /**
     * Does it.
     *
     * @param report sends a line; fails when the client has gone
     * @param cancellation ends when the client has gone
     * @return the last line
     */
    JsonObject run(Consumer<JsonObject> report, Cancellation cancellation);
  }

  /**
   * Answers with lines of JSON: reports, then {@code result} or {@code error}.
   *
   * @return whether the work is begun; else the client is told to come back
   */
  boolean lines(RoutingContext context, LongWork work) {
    return longWork(
        context,
        "application/x-ndjson",
        (out, cancellation) -> {
          try {
            JsonObject result = work.run(line -> send(out, line, cancellation), cancellation);
            send(out, new JsonObject().put("result", result), cancellation);
          } catch (RuntimeException | Error e) {
            if (!out.begun()) {
              throw e;
            }
            send(out, logged(context, e), cancellation);
          }
        });
  }

  private static void send(ResponseStream out, JsonObject line, Cancellation cancellation) {
    try {
      out.write((line.encode() + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      cancellation.cancel("request");
      throw new UncheckedIOException(e);
    }
  }

  /** Work whose answer is a stream. */
  interface Streaming {
    void run(ResponseStream out, Cancellation cancellation) throws IOException;
  }

  /**
   * Answers with content; what fails in the middle is told in the field Molo-Error at its end.
   *
   * @return whether the work is begun; else the client is told to come back
   */
  boolean longWork(RoutingContext context, String type, Streaming work) {
    if (!longRoom.tryAcquire()) {
      context.response().putHeader("Retry-After", "10");
      send(
          context,
          Answer.error(503, "UNAVAILABLE", MAX_LONG_AT_ONCE + " long requests are under way"));
      return false;
    }
    Context loop = context.vertx().getOrCreateContext();
    HttpServerResponse response = context.response();
    Cancellation cancellation = Cancellation.create();
    response.closeHandler(_ -> cancellation.cancel("request"));
    response.putHeader("Content-Type", type).putHeader("Cache-Control", "no-store");
    ResponseStream out = new ResponseStream(loop, response);
    Thread.ofVirtual()
        .name("http-work")
        .start(() -> {
          try {
            work.run(out, cancellation);
            out.end();
            loop.runOnContext(_ -> requests.labels("200").inc());
          } catch (RuntimeException | IOException | Error e) {
            if (cancellation.reason().isPresent()) {
              LOG.debug("{}: the client has gone: {}", context.request().path(), e.toString());
            } else {
              failLong(context, loop, out, e);
            }
          } finally {
            longRoom.release();
          }
        });
    return true;
  }

  private void failLong(
      RoutingContext context, Context loop, ResponseStream out, Throwable failure) {
    JsonObject said = logged(context, failure);
    if (!out.begun()) {
      loop.runOnContext(_ -> send(context, Answer.json(FaultResponse.status(failure), said)));
      return;
    }
    try {
      out.fail("Molo-Error", said.encode());
    } catch (IOException e) {
      LOG.debug("{}: the client left before its end: {}", context.request().path(), said);
    }
  }

  private static JsonObject logged(RoutingContext context, Throwable failure) {
    if (!(failure instanceof FaultException || failure instanceof IOException)) {
      LOG.error("answer {} {}", context.request().method(), context.request().path(), failure);
    }
    return FaultResponse.body(failure);
  }

  private Answer made(RoutingContext context, Function<RoutingContext, Answer> make) {
    try {
      return make.apply(context);
    } catch (FaultException e) {
      return Answer.json(FaultResponse.status(e), FaultResponse.body(e));
    } catch (RuntimeException | Error e) {
      // A client waits, whatever it is.
      LOG.error("answer {} {}", context.request().method(), context.request().path(), e);
      return Answer.json(FaultResponse.status(e), FaultResponse.body(e));
    } finally {
      room.release();
    }
  }

  /** On the connection's event loop. */
  private void send(RoutingContext context, Answer answer) {
    requests.labels(Integer.toString(answer.status())).inc();
    HttpServerResponse response = context.response();
    if (response.ended() || response.closed()) {
      return;
    }
    response
        .setStatusCode(answer.status())
        .putHeader("Content-Type", answer.type())
        .putHeader("Cache-Control", "no-store")
        .putHeader("X-Content-Type-Options", "nosniff");
    response
        .end(answer.body())
        .onFailure(e -> LOG.debug("send {}: {}", context.request().path(), e.getMessage()));
  }
}
