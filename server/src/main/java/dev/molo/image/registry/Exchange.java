package dev.molo.image.registry;

import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongConsumer;

/**
 * One HTTP request and its answer, redirects followed. This is where the event loop's world ends:
 * callers block. What identifies us (Authorization, the headers of hosts.toml) goes to the first
 * host only.
 */
final class Exchange {
  private static final int MAX_REDIRECTS = 8;
  private static final int UPLOAD_BUFFER = 64 << 10;

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
  record Target(
      boolean secure,
      String host,
      int port,
      String uri,
      RegistryHost.Tls tls,
      RegistryHost.Route route) {
    /**
     * An address that content itself names: judged by the system's authorities, plain http for
     * loopback only.
     */
    static Target of(String url) throws IOException {
      Target target = parsed(null, url, RegistryHost.Tls.system(), RegistryHost.Route.usual());
      if (!target.secure() && !UpstreamHost.isLoopback(target.host())) {
        throw new IOException(target.shown() + " is not behind https, which is refused");
      }
      return target;
    }

    /**
     * @param base what a relative address is relative to; null when it must be absolute
     */
    private static Target parsed(
        URI base, String text, RegistryHost.Tls tls, RegistryHost.Route route) throws IOException {
      URI uri;
      try {
        uri = base == null ? new URI(text) : base.resolve(new URI(text));
      } catch (URISyntaxException | IllegalArgumentException e) {
        throw new IOException("it leads to something that is not a URL", e);
      }
      boolean http = "http".equals(uri.getScheme());
      Optional<Authority> place = Authority.of(uri);
      if (place.isEmpty() || !(http || "https".equals(uri.getScheme()))) {
        throw new IOException("it leads to something that is not an http address");
      }
      String path = uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
      return new Target(
          !http,
          place.get().host(),
          place.get().portOr(http ? 80 : 443),
          uri.getRawQuery() == null ? path : path + "?" + uri.getRawQuery(),
          tls,
          route);
    }

    boolean sameOrigin(Target other) {
      return secure == other.secure && host.equalsIgnoreCase(other.host) && port == other.port;
    }

    String authority() {
      return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }

    String origin() {
      return (secure ? "https://" : "http://") + authority();
    }

    /** Without the query, which may hold a signature. */
    String shown() {
      int query = uri.indexOf('?');
      return origin() + (query < 0 ? uri : uri.substring(0, query));
    }
  }

  /**
   * The answer's head, and its body still to be read. Close it.
   *
   * @param request what it answers
   * @param from who gave it, after redirects
   */
  record Answer(Request request, int status, Target from, HttpClientResponse head, BodyStream body)
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
  private final HostNames names;
  private final TlsProxies tlsProxies;
  private final RegistrySettings settings;

  Exchange(HttpClients clients, HostNames names, TlsProxies tlsProxies, RegistrySettings settings) {
    this.clients = clients;
    this.names = names;
    this.tlsProxies = tlsProxies;
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
  static Target follow(Target from, String location) throws IOException {
    return Target.parsed(
        URI.create(from.shown()), location, from.tls().withoutClients(), from.route());
  }

  /**
   * Sends content of a known length. A redirect is not followed: it is an answer like others.
   *
   * @param content read to its end unless the answer comes before; stays the caller's
   * @param sent hears how many bytes have left
   */
  Answer upload(
      Request request,
      InputStream content,
      long length,
      LongConsumer sent,
      Cancellation cancellation)
      throws IOException {
    Target target = request.target();
    CompletableFuture<Answer> arrived = new CompletableFuture<>();
    CompletableFuture<HttpClientRequest> started = new CompletableFuture<>();
    try (Cancellation.Registration _ =
        cancellation.onCancel(() -> {
          FaultException why = cancellation.reason().orElseThrow();
          arrived.completeExceptionally(why);
          started.completeExceptionally(why);
        })) {
      open(target, options(request, target, true).putHeader("Content-Length", length + ""))
          .onFailure(started::completeExceptionally)
          .onSuccess(r -> {
            r.exceptionHandler(arrived::completeExceptionally);
            r.response()
                .onFailure(arrived::completeExceptionally)
                .onSuccess(response -> receive(response, request, target, cancellation, arrived));
            if (!started.complete(r)) {
              r.reset();
            }
          });
      HttpClientRequest open = patiently(started, started, cancellation);
      write(open, content, length, sent, arrived, cancellation);
      return await(target, arrived, started, cancellation);
    }
  }

  private void write(
      HttpClientRequest request,
      InputStream content,
      long length,
      LongConsumer sent,
      CompletableFuture<Answer> arrived,
      Cancellation cancellation)
      throws IOException {
    byte[] buffer = new byte[UPLOAD_BUFFER];
    CompletableFuture<HttpClientRequest> itself = CompletableFuture.completedFuture(request);
    long done = 0;
    while (done < length && !arrived.isDone()) {
      int n = content.readNBytes(buffer, 0, (int) Math.min(buffer.length, length - done));
      if (n == 0) {
        request.reset();
        throw new IOException("the content ends after " + done + " of " + length + " bytes");
      }
      CompletableFuture<Void> written =
          request
              .write(Buffer.buffer(n).appendBytes(buffer, 0, n))
              .toCompletionStage()
              .toCompletableFuture();
      patiently(written, itself, cancellation);
      done += n;
      sent.accept(done);
    }
    if (done == length) {
      patiently(request.end().toCompletionStage().toCompletableFuture(), itself, cancellation);
    }
  }

  /** What the network does in its own time, within the time that it may be silent. */
  private <T> T patiently(
      CompletableFuture<T> future,
      CompletableFuture<HttpClientRequest> request,
      Cancellation cancellation)
      throws IOException {
    try (Cancellation.Registration _ = cancellation.onCancel(() -> resetWhenStarted(request))) {
      return future.get(settings.limits().idle().toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      resetWhenStarted(request);
      cancellation.check();
      throw new IOException(Failures.text(e.getCause()), e.getCause());
    } catch (TimeoutException e) {
      resetWhenStarted(request);
      throw new IOException(
          "nothing was taken for " + settings.limits().idle().toSeconds() + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      resetWhenStarted(request);
      throw new IOException("interrupted", e);
    }
  }

  private Answer once(Request request, Target target, boolean home, Cancellation cancellation)
      throws IOException {
    CompletableFuture<Answer> arrived = new CompletableFuture<>();
    CompletableFuture<HttpClientRequest> started = new CompletableFuture<>();
    try (Cancellation.Registration _ =
        cancellation.onCancel(
            () -> arrived.completeExceptionally(cancellation.reason().orElseThrow()))) {
      open(target, options(request, target, home))
          .onFailure(arrived::completeExceptionally)
          .onSuccess(r -> transmit(r, request, target, cancellation, started, arrived));
      return await(target, arrived, started, cancellation);
    }
  }

  /** By the way that leads there. */
  private Future<HttpClientRequest> open(Target target, RequestOptions options) {
    Optional<Proxies.Proxy> proxy =
        target
            .route()
            .proxy()
            .or(() -> settings.proxies().to(target.secure(), target.host(), target.port()));
    if (proxy.isPresent() && proxy.get().secure()) {
      return tlsProxies.request(proxy.get(), target, options, connectTimeout(target));
    }
    HttpClient client = clients.get(target.secure(), target.tls());
    return proxy.isPresent()
        ? throughProxy(proxy.get(), client, options)
        : names.reach(
            target.host(), target.port(), address -> client.request(options.setServer(address)));
  }

  private Future<HttpClientRequest> throughProxy(
      Proxies.Proxy proxy, HttpClient client, RequestOptions options) {
    return names
        .reach(
            proxy.host(),
            proxy.port(),
            address ->
                client.request(options.setProxyOptions(proxy.options().setHost(address.host()))))
        .recover(why ->
            Future.failedFuture(
                Failures.isOfTheProxy(why)
                    ? new ProxyFailure(proxy, Failures.text(why), why)
                    : why));
  }

  private RequestOptions options(Request request, Target target, boolean home) {
    RequestOptions options =
        new RequestOptions()
            .setMethod(request.method())
            .setSsl(target.secure())
            .setHost(target.host())
            .setPort(target.port())
            .setURI(target.uri())
            .setFollowRedirects(false)
            .setConnectTimeout(connectTimeout(target).toMillis());
    options.putHeader("User-Agent", settings.userAgent());
    request.headers().forEach(options::putHeader);
    if (home) {
      request
          .confidential()
          .forEach((name, values) -> options.putHeader(name, List.<CharSequence>copyOf(values)));
    }
    return options;
  }

  /** On the event loop. */
  private void transmit(
      HttpClientRequest transport,
      Request request,
      Target target,
      Cancellation cancellation,
      CompletableFuture<HttpClientRequest> started,
      CompletableFuture<Answer> arrived) {
    // Without a handler Vert.x logs each reset, ours included; the futures and the body tell the
    // same.
    transport.exceptionHandler(arrived::completeExceptionally);
    started.complete(transport);
    if (arrived.isDone()) {
      transport.reset();
      return;
    }
    (request.body().isPresent() ? transport.send(request.body().get()) : transport.send())
        .onFailure(arrived::completeExceptionally)
        .onSuccess(response -> receive(response, request, target, cancellation, arrived));
  }

  private void receive(
      HttpClientResponse response,
      Request request,
      Target target,
      Cancellation cancellation,
      CompletableFuture<Answer> arrived) {
    Context context = Vertx.currentContext();
    BodyStream body = new BodyStream(response, context, settings.limits(), cancellation);
    if (!arrived.complete(new Answer(request, response.statusCode(), target, response, body))) {
      body.close();
    }
  }

  private Duration connectTimeout(Target target) {
    return target.route().dialTimeout().orElse(settings.limits().connect());
  }

  private Answer await(
      Target target,
      CompletableFuture<Answer> arrived,
      CompletableFuture<HttpClientRequest> started,
      Cancellation cancellation)
      throws IOException {
    try {
      return arrived.get(
          connectTimeout(target).plus(settings.limits().idle()).toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      resetWhenStarted(started);
      cancellation.check();
      throw new IOException(Failures.text(e.getCause()), e.getCause());
    } catch (TimeoutException e) {
      arrived.completeExceptionally(e);
      resetWhenStarted(started);
      throw new IOException("no answer within " + settings.limits().idle().toSeconds() + " s", e);
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
