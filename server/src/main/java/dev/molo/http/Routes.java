package dev.molo.http;

import dev.molo.fault.FaultException;
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
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which path is answered by what. A request is taken on its event loop, its answer is made on a
 * virtual thread, at most {@value #MAX_AT_ONCE} at a time; further ones are told to come back.
 */
final class Routes {
  private static final Logger LOG = LoggerFactory.getLogger(Routes.class);
  private static final int MAX_AT_ONCE = 32;
  private static final Set<HttpMethod> READ_ONLY = Set.of(HttpMethod.GET, HttpMethod.HEAD);
  private static final String JSON = "application/json; charset=utf-8";

  private final PodRuntime pods;
  private final Images images;
  private final CollectorRegistry registry;
  private final Counter requests;
  private final Semaphore room = new Semaphore(MAX_AT_ONCE);

  private Routes(PodRuntime pods, Images images, CollectorRegistry registry) {
    this.pods = pods;
    this.images = images;
    this.registry = registry;
    this.requests =
        Counter.build("molo_http_requests_total", "HTTP requests by status.")
            .labelNames("status")
            .register(registry);
    registry.register(new DaemonMetrics(pods, images));
  }

  static Handler<HttpServerRequest> of(
      Vertx vertx, PodRuntime pods, Images images, CollectorRegistry registry) {
    Routes routes = new Routes(pods, images, registry);
    Router router = Router.router(vertx);
    router.route().handler(routes::admit);
    router.get("/healthz").handler(context -> routes.send(context, Answer.text("ok\n")));
    router.get("/readyz").handler(context -> routes.answer(context, routes::readiness));
    router.get("/metrics").handler(context -> routes.answer(context, routes::metrics));
    router.get("/v1/pods").handler(context -> routes.answer(context, routes::pods));
    router.get("/v1/containers").handler(context -> routes.answer(context, routes::containers));
    router.get("/v1/containers/:id/stats").handler(c -> routes.answer(c, routes::usage));
    router
        .get("/v1/images")
        .handler(c -> routes.answer(c, _ -> Answer.json(ImagesDocument.of(routes.images))));
    router.route().handler(routes::unknown);
    return router;
  }

  /** What is sent back. */
  private record Answer(int status, String type, String body) {
    static Answer text(String body) {
      return new Answer(200, "text/plain; charset=utf-8", body);
    }

    static Answer json(JsonObject body) {
      return json(200, body);
    }

    static Answer json(int status, JsonObject body) {
      return new Answer(status, JSON, body.encode() + "\n");
    }

    static Answer error(int status, String code, String message) {
      return json(status, FaultResponse.body(code, message));
    }
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
    if (!READ_ONLY.contains(request.method())) {
      context.response().putHeader("Allow", "GET, HEAD");
      send(context, Answer.error(405, "UNIMPLEMENTED", "only GET and HEAD are offered"));
      return;
    }
    context.next();
  }

  private void unknown(RoutingContext context) {
    send(context, Answer.error(404, "NOT_FOUND", "no such path; see docs/http-api.md"));
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

  private void answer(RoutingContext context, Function<RoutingContext, Answer> make) {
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

  private Answer made(RoutingContext context, Function<RoutingContext, Answer> make) {
    try {
      return make.apply(context);
    } catch (FaultException e) {
      return Answer.json(FaultResponse.status(e), FaultResponse.body(e));
    } catch (RuntimeException e) {
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
