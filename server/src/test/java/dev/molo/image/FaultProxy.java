package dev.molo.image;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.molo.Patience;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/** Stands between a client and a real registry and does to the answers what networks do. */
public final class FaultProxy implements AutoCloseable {
  private static final List<String> PASSED_ON =
      List.of("Accept", "Authorization", "Range", "Content-Type", "Content-Range");

  /** What is done to one answer. */
  public interface Fault {
    /** The registry's answer is at hand, nothing has been sent yet. */
    void apply(HttpExchange exchange, HttpResponse<InputStream> real) throws IOException;
  }

  /** Counts one body among those under way, until its last byte is about to leave. */
  private final class Sending extends FilterOutputStream {
    private final HttpExchange exchange;
    private long sent;
    private boolean ended;

    Sending(HttpExchange exchange) {
      super(exchange.getResponseBody());
      this.exchange = exchange;
      mostSending.accumulateAndGet(sending.incrementAndGet(), Math::max);
    }

    /** Who has the last byte may ask for more at once: before it has left, this is over. */
    @Override
    public void write(byte[] bytes, int offset, int count) throws IOException {
      sent += count;
      String length = exchange.getResponseHeaders().getFirst("Content-Length");
      if (length != null && sent >= Long.parseLong(length)) {
        end();
      }
      out.write(bytes, offset, count);
    }

    @Override
    public void write(int one) throws IOException {
      write(new byte[] {(byte) one}, 0, 1);
    }

    void end() {
      if (!ended) {
        ended = true;
        sending.decrementAndGet();
      }
    }
  }

  private record Planned(
      Predicate<String> methods, Predicate<String> paths, AtomicInteger times, Fault fault) {}

  /** A request that came. */
  public record Asked(String method, String path, Map<String, List<String>> headers) {}

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpClient client = HttpClient.newHttpClient();
  private final URI behind;
  private final List<Planned> planned = new CopyOnWriteArrayList<>();
  private final List<Asked> asked = new CopyOnWriteArrayList<>();
  private final AtomicInteger sending = new AtomicInteger();
  private final AtomicInteger mostSending = new AtomicInteger();

  public FaultProxy(TestRegistry registry) throws IOException {
    behind = URI.create("http://" + registry.address());
    InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    server = HttpServer.create(new InetSocketAddress(loopback, 0), 64);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** {@code 127.0.0.1:port}. */
  public String address() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  /** The next {@code times} answers for such paths get this fault. */
  public void plan(Predicate<String> paths, int times, Fault fault) {
    planned.add(new Planned(_ -> true, paths, new AtomicInteger(times), fault));
  }

  /** The same for one method; the registry has done what it was asked for before its answer. */
  void plan(String method, Predicate<String> paths, int times, Fault fault) {
    planned.add(new Planned(method::equals, paths, new AtomicInteger(times), fault));
  }

  public List<Asked> asked(Predicate<String> paths) {
    return asked.stream().filter(a -> paths.test(a.path())).toList();
  }

  /** How many blobs' bodies were under way at once, at most. */
  public int mostBlobsAtOnce() {
    return mostSending.get();
  }

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    asked.add(
        new Asked(exchange.getRequestMethod(), path, Map.copyOf(exchange.getRequestHeaders())));
    if (!path.contains("/blobs/")) {
      answer(exchange, path);
      return;
    }
    Sending blob = new Sending(exchange);
    exchange.setStreams(null, blob);
    try {
      answer(exchange, path);
    } finally {
      blob.end();
    }
  }

  private void answer(HttpExchange exchange, String path) throws IOException {
    try {
      fault(exchange.getRequestMethod(), path).apply(exchange, real(exchange));
    } finally {
      exchange.close();
    }
  }

  private Fault fault(String method, String path) {
    return planned.stream()
        .filter(p -> p.methods().test(method) && p.paths().test(path))
        .filter(p -> p.times().getAndDecrement() > 0)
        .map(Planned::fault)
        .findFirst()
        .orElse(FaultProxy::pass);
  }

  private HttpResponse<InputStream> real(HttpExchange exchange) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(behind.resolve(exchange.getRequestURI().toString()))
            .method(exchange.getRequestMethod(), body(exchange));
    for (String name : PASSED_ON) {
      List<String> values = exchange.getRequestHeaders().getOrDefault(name, List.of());
      values.forEach(value -> request.header(name, value));
    }
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static HttpRequest.BodyPublisher body(HttpExchange exchange) {
    long length =
        Optional.ofNullable(exchange.getRequestHeaders().getFirst("Content-Length"))
            .map(Long::parseLong)
            .orElse(0L);
    return length == 0
        ? HttpRequest.BodyPublishers.noBody()
        : HttpRequest.BodyPublishers.fromPublisher(
            HttpRequest.BodyPublishers.ofInputStream(exchange::getRequestBody), length);
  }

  private static OutputStream head(HttpExchange exchange, HttpResponse<?> real, long length)
      throws IOException {
    real.headers()
        .map()
        .forEach((name, values) -> {
          if (!name.equalsIgnoreCase("content-length") && !name.startsWith(":")) {
            values.forEach(
                value -> exchange.getResponseHeaders().add(name, here(exchange, real, value)));
          }
        });
    boolean bodiless = length == 0 || exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(real.statusCode(), bodiless ? -1 : length);
    return exchange.getResponseBody();
  }

  /** The registry's own address is the proxy's to who asks the proxy. */
  private static String here(HttpExchange exchange, HttpResponse<?> real, String value) {
    String host = exchange.getRequestHeaders().getFirst("Host");
    return value.replace("http://" + real.uri().getAuthority(), "http://" + host);
  }

  private static long length(HttpResponse<?> real) {
    return real.headers().firstValueAsLong("content-length").orElse(0);
  }

  /** Nothing is done. */
  public static void pass(HttpExchange exchange, HttpResponse<InputStream> real)
      throws IOException {
    try (InputStream body = real.body()) {
      body.transferTo(head(exchange, real, length(real)));
    }
  }

  /** The connection ends after so many bytes. */
  public static Fault cut(int after) {
    return (exchange, real) -> {
      try (InputStream body = real.body()) {
        OutputStream out = head(exchange, real, length(real));
        out.write(body.readNBytes(after));
        out.flush();
      }
    };
  }

  /** After so many bytes nothing comes until {@code over}. */
  public static Fault stall(int after, CountDownLatch over) {
    return (exchange, real) -> {
      try (InputStream body = real.body()) {
        OutputStream out = head(exchange, real, length(real));
        out.write(body.readNBytes(after));
        out.flush();
        Patience.await("the one who is kept waiting has gone", over);
      }
    };
  }

  /** So many bytes at a time, with a pause behind each. */
  public static Fault trickle(int bytes, int pauseMillis) {
    return (exchange, real) -> {
      try (InputStream body = real.body()) {
        OutputStream out = head(exchange, real, length(real));
        for (byte[] step = body.readNBytes(bytes); step.length > 0; step = body.readNBytes(bytes)) {
          out.write(step);
          out.flush();
          Thread.sleep(pauseMillis);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    };
  }

  /**
   * The last byte comes when the others have been taken, and then as long again and a second later.
   *
   * @param taken how many bytes have been taken
   */
  public static Fault lastByteLate(LongSupplier taken) {
    return (exchange, real) -> {
      long began = System.nanoTime();
      byte[] body = real.body().readAllBytes();
      int last = body.length - 1;
      OutputStream out = head(exchange, real, body.length);
      out.write(body, 0, last);
      out.flush();
      try {
        Patience.until("all bytes but the last have been taken", () -> taken.getAsLong() >= last);
        Thread.sleep(Duration.ofNanos(System.nanoTime() - began).plusSeconds(1));
      } catch (Exception e) {
        throw new IOException(e);
      }
      out.write(body, last, 1);
    };
  }

  /** Another answer instead. */
  public static Fault status(int status, String retryAfter, String text) {
    return (exchange, real) -> {
      real.body().close();
      if (!retryAfter.isEmpty()) {
        exchange.getResponseHeaders().add("Retry-After", retryAfter);
      }
      byte[] body = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, body.length);
      exchange.getResponseBody().write(body);
    };
  }

  /** The connection ends without an answer. */
  static void lose(HttpExchange exchange, HttpResponse<InputStream> real) throws IOException {
    real.body().close();
  }

  /** A header of the answer says something else. */
  static Fault header(String name, String value) {
    return (exchange, real) -> {
      real.body().close();
      exchange.getResponseHeaders().set(name, value);
      exchange.sendResponseHeaders(real.statusCode(), -1);
    };
  }

  /** One byte in the middle is another. */
  public static void damage(HttpExchange exchange, HttpResponse<InputStream> real)
      throws IOException {
    byte[] body = real.body().readAllBytes();
    body[body.length / 2] ^= 1;
    head(exchange, real, body.length).write(body);
  }

  /** The last byte is not there, and the length says so. */
  public static void shorten(HttpExchange exchange, HttpResponse<InputStream> real)
      throws IOException {
    byte[] body = real.body().readAllBytes();
    head(exchange, real, body.length - 1).write(body, 0, body.length - 1);
  }

  /** To the same path of another host. */
  public static Fault redirect(String address) {
    return (exchange, real) -> {
      real.body().close();
      exchange
          .getResponseHeaders()
          .add("Location", "http://" + address + exchange.getRequestURI().getPath());
      exchange.sendResponseHeaders(307, -1);
    };
  }

  /** What is still under way is of no use any more; a fault may have left an answer unread. */
  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
    client.shutdownNow();
  }
}
