package dev.molo.image.registry;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** An HTTP server on loopback that answers as the test says, and remembers what it was asked. */
public final class ScriptedRegistry implements AutoCloseable {

  /** What to do with a request. */
  public interface Script {
    void answer(HttpExchange exchange) throws IOException;
  }

  /** One request as it came. */
  public record Asked(
      String method, String path, String query, Map<String, List<String>> headers, String body) {
    String header(String name) {
      return headers.getOrDefault(name, List.of("")).getFirst();
    }
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<String, Script> scripts = new ConcurrentHashMap<>();
  private final List<Asked> asked = new CopyOnWriteArrayList<>();

  public ScriptedRegistry() throws IOException {
    server =
        HttpServer.create(
            new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  private void handle(HttpExchange exchange) throws IOException {
    String body =
        new String(
            exchange.getRequestBody().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    String path = exchange.getRequestURI().getPath();
    String query = exchange.getRequestURI().getQuery();
    asked.add(
        new Asked(
            exchange.getRequestMethod(),
            path,
            query == null ? "" : query,
            Map.copyOf(exchange.getRequestHeaders()),
            body));
    scripts
        .getOrDefault(
            path,
            e -> reply(e, 404, "{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"no script\"}]}"))
        .answer(exchange);
  }

  public String address() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  String url(String path) {
    return "http://" + address() + path;
  }

  public void on(String path, Script script) {
    scripts.put(path, script);
  }

  public List<Asked> asked() {
    return asked;
  }

  public List<Asked> asked(String path) {
    return asked.stream().filter(a -> a.path().equals(path)).toList();
  }

  public static void reply(HttpExchange exchange, int status, String body) throws IOException {
    reply(exchange, status, body.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  public static void reply(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    if (body.length > 0) {
      exchange.getResponseBody().write(body);
    }
    exchange.close();
  }

  static Script redirect(String to) {
    return exchange -> {
      exchange.getResponseHeaders().add("Location", to);
      reply(exchange, 307, "");
    };
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
