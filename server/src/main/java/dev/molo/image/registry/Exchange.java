package dev.molo.image.registry;

import dev.molo.image.Cancellation;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One HTTP request and its answer, redirects followed. This is where the event loop's world ends:
 * callers block. What identifies us (Authorization, the headers of hosts.toml) goes to the first
 * host only.
 */
final class Exchange {
  private static final int MAX_REDIRECTS = 8;

  /**
   * Headers that must not follow a redirect to another host; everything of hosts.toml is treated
   * alike.
   */
  record Request(
      HttpMethod method,
      Target target,
      Map<String, String> headers,
      Map<String, List<String>> confidential,
      Optional<Buffer> body) {}

  /** Where to. */
  record Target(boolean secure, String host, int port, String uri, RegistryHost.Tls tls) {
    boolean sameOrigin(Target other) {
      return secure == other.secure && host.equalsIgnoreCase(other.host) && port == other.port;
    }

    /** Without the query, which may hold a signature. */
    String shown() {
      int query = uri.indexOf('?');
      String name = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
      return (secure ? "https://" : "http://")
          + name
          + ":"
          + port
          + (query < 0 ? uri : uri.substring(0, query));
    }
  }

  /**
   * The answer's head, and its body still to be read. Close it.
   *
   * @param from who gave it, after redirects
   */
  record Answer(int status, Target from, HttpClientResponse head, BodyStream body)
      implements AutoCloseable {
    Optional<String> header(String name) {
      return Optional.ofNullable(head.getHeader(name));
    }

    /** The body, when it is not longer than {@code limit}. */
    byte[] readAll(int limit) throws IOException {
      byte[] bytes = body.readNBytes(limit + 1);
      if (bytes.length > limit) {
        throw new IOException("the answer is longer than " + limit + " bytes");
      }
      return bytes;
    }

    @Override
    public void close() {
      body.close();
    }
  }

  private final HttpClients clients;
  private final RegistrySettings settings;

  Exchange(HttpClients clients, RegistrySettings settings) {
    this.clients = clients;
    this.settings = settings;
  }

  /**
   * Sends and waits for the head of the answer.
   *
   * @throws IOException when there is none
   */
  Answer send(Request request, Cancellation cancellation) throws IOException {
    Target target = request.target();
    boolean home = true;
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      Answer answer = once(request, target, home, cancellation);
      Optional<String> location = answer.header("location");
      if (!isRedirect(answer.status()) || location.isEmpty()) {
        return answer;
      }
      answer.close();
      if (request.body().isPresent()) {
        throw new IOException("it redirects a request that holds a secret, which is refused");
      }
      Target next = follow(target, location.get());
      if (target.secure() && !next.secure()) {
        throw new IOException(
            "it redirects from https to http (" + next.shown() + "), which is refused");
      }
      home = home && next.sameOrigin(request.target());
      target = next;
    }
    throw new IOException("it redirects more than " + MAX_REDIRECTS + " times");
  }

  private static boolean isRedirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  }

  /**
   * A host that a redirect names is judged as the one that named it, but is not shown our
   * certificate.
   */
  private static Target follow(Target from, String location) throws IOException {
    try {
      URI base = new URI(from.shown());
      URI uri = base.resolve(new URI(location));
      if (uri.getHost() == null
          || !("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
        throw new IOException("it redirects to something that is not an http address");
      }
      boolean secure = uri.getScheme().equals("https");
      String path = uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
      String host =
          uri.getHost().startsWith("[")
              ? uri.getHost().substring(1, uri.getHost().length() - 1)
              : uri.getHost();
      int port = uri.getPort() >= 0 ? uri.getPort() : secure ? 443 : 80;
      return new Target(
          secure,
          host,
          port,
          uri.getRawQuery() == null ? path : path + "?" + uri.getRawQuery(),
          new RegistryHost.Tls(from.tls().skipVerify(), from.tls().authorities(), List.of()));
    } catch (URISyntaxException | IllegalArgumentException e) {
      throw new IOException("it redirects to something that is not a URL", e);
    }
  }

  private Answer once(Request request, Target target, boolean home, Cancellation cancellation)
      throws IOException {
    RequestOptions options =
        new RequestOptions()
            .setMethod(request.method())
            .setSsl(target.secure())
            .setHost(target.host())
            .setPort(target.port())
            .setURI(target.uri())
            .setFollowRedirects(false)
            .setConnectTimeout(settings.connectTimeout().toMillis());
    options.putHeader("User-Agent", settings.userAgent());
    request.headers().forEach(options::putHeader);
    if (home) {
      request
          .confidential()
          .forEach((name, values) -> options.putHeader(name, List.<CharSequence>copyOf(values)));
    }
    CompletableFuture<Answer> arrived = new CompletableFuture<>();
    CompletableFuture<HttpClientRequest> started = new CompletableFuture<>();
    try (Cancellation.Registration _ =
        cancellation.onCancel(
            () -> arrived.completeExceptionally(cancellation.reason().orElseThrow()))) {
      clients
          .get(target.secure(), target.tls())
          .request(options)
          .onFailure(arrived::completeExceptionally)
          .onSuccess(r -> transmit(r, request.body(), target, cancellation, started, arrived));
      return await(arrived, started, cancellation);
    }
  }

  /** On the event loop. */
  private void transmit(
      HttpClientRequest request,
      Optional<Buffer> body,
      Target target,
      Cancellation cancellation,
      CompletableFuture<HttpClientRequest> started,
      CompletableFuture<Answer> arrived) {
    // Without a handler Vert.x logs each reset, ours included; the futures and the body tell the
    // same.
    request.exceptionHandler(arrived::completeExceptionally);
    started.complete(request);
    if (arrived.isDone()) {
      request.reset();
      return;
    }
    (body.isPresent() ? request.send(body.get()) : request.send())
        .onFailure(arrived::completeExceptionally)
        .onSuccess(response -> receive(response, target, cancellation, arrived));
  }

  private void receive(
      HttpClientResponse response,
      Target target,
      Cancellation cancellation,
      CompletableFuture<Answer> arrived) {
    Context context = Vertx.currentContext();
    BodyStream body = new BodyStream(response, context, settings.idleLimit(), cancellation);
    if (!arrived.complete(new Answer(response.statusCode(), target, response, body))) {
      body.close();
    }
  }

  private Answer await(
      CompletableFuture<Answer> arrived,
      CompletableFuture<HttpClientRequest> started,
      Cancellation cancellation)
      throws IOException {
    try {
      return arrived.get(
          settings.connectTimeout().plus(settings.idleLimit()).toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      resetWhenStarted(started);
      cancellation.check();
      throw new IOException(Failures.text(e.getCause()), e.getCause());
    } catch (TimeoutException e) {
      arrived.completeExceptionally(e);
      resetWhenStarted(started);
      throw new IOException("no answer within " + settings.idleLimit().toSeconds() + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      arrived.completeExceptionally(e);
      resetWhenStarted(started);
      throw new IOException("interrupted", e);
    }
  }

  private static void resetWhenStarted(CompletableFuture<HttpClientRequest> started) {
    // Nobody waits: the request may never start, and then there is nothing to reset.
    var _ = started.thenAccept(HttpClientRequest::reset);
  }
}
