package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The daemon's HTTP interface on its unix socket (docs/http-api.md): what CRI has no word for. One
 * connection a request; calls block. What the daemon refuses is a RefusedException of the kind that
 * it names; that it cannot be reached, or goes away, is a FaultException.
 */
final class ApiClient implements AutoCloseable {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int COPY = 64 << 10;
  private static final byte[] NEW_LINE = {'\r', '\n'};

  private final SocketName socket;

  private final int timeoutSeconds;

  private ApiClient(SocketName socket, int timeoutSeconds) {
    this.socket = socket;
    this.timeoutSeconds = timeoutSeconds;
  }

  /**
   * A client.
   *
   * @param socket the path of a daemon's api.sock
   * @param timeoutSeconds for what is only asked and told; work takes as long as it takes
   */
  static ApiClient of(Path socket, int timeoutSeconds) {
    return new ApiClient(SocketName.of(socket), timeoutSeconds);
  }

  /** Asks. */
  JsonNode get(String path) {
    return json(path, "GET " + path, new byte[0]);
  }

  /** Tells; the body is a JSON object. */
  JsonNode post(String path, Map<String, Object> body) {
    return json(path, "POST " + path, JsonText.of(body).getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Tells, and hears how it goes.
   *
   * @param report takes each line but the last
   * @return the result
   */
  JsonNode work(String path, Map<String, Object> body, Consumer<JsonNode> report) {
    try (SocketChannel channel = socket.connect()) {
      ApiResponse response =
          send(channel, "POST " + path, JsonText.of(body).getBytes(StandardCharsets.UTF_8));
      return lines(path, response, report);
    } catch (IOException e) {
      throw broken(path, e);
    }
  }

  /** The same with content instead of an object: an archive. */
  JsonNode upload(String path, InputStream content, Consumer<JsonNode> report) {
    try (SocketChannel channel = socket.connect()) {
      OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), COPY);
      String head =
          "POST "
              + path
              + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
              + "Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n";
      out.write(head.getBytes(StandardCharsets.US_ASCII));
      byte[] buffer = new byte[COPY];
      for (int n = read(content, buffer); n >= 0; n = read(content, buffer)) {
        if (n > 0) {
          out.write((Integer.toHexString(n) + "\r\n").getBytes(StandardCharsets.US_ASCII));
          out.write(buffer, 0, n);
          out.write(NEW_LINE);
        }
      }
      out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      out.flush();
      return lines(path, ApiResponse.read(Channels.newInputStream(channel)), report);
    } catch (IOException e) {
      throw broken(path, e);
    }
  }

  /**
   * Tells, and takes content for an answer.
   *
   * @return the result, which comes after the content
   */
  JsonNode download(String path, Map<String, Object> body, OutputStream into) {
    try (SocketChannel channel = socket.connect()) {
      ApiResponse response =
          send(channel, "POST " + path, JsonText.of(body).getBytes(StandardCharsets.UTF_8));
      if (response.status() != 200) {
        throw refusal(path, response.status(), MAPPER.readTree(response.body()));
      }
      copy(response.body(), into);
      Optional<String> error = response.trailer("Molo-Error");
      if (error.isPresent()) {
        throw refusal(path, response.status(), MAPPER.readTree(error.get()));
      }
      return MAPPER.readTree(
          response.trailer("Molo-Result").orElseThrow(() -> new IOException("it has no result")));
    } catch (IOException e) {
      throw broken(path, e);
    }
  }

  private static void copy(InputStream answer, OutputStream into) throws IOException {
    byte[] buffer = new byte[COPY];
    for (int n = answer.read(buffer); n >= 0; n = answer.read(buffer)) {
      write(into, buffer, n);
    }
  }

  /** What fails on this side is not the daemon's. */
  private static void write(OutputStream into, byte[] bytes, int length) {
    try {
      into.write(bytes, 0, length);
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "write the archive: " + e.getMessage(), e);
    }
  }

  private static int read(InputStream content, byte[] buffer) {
    try {
      return content.read(buffer);
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "read the archive: " + e.getMessage(), e);
    }
  }

  private static JsonNode lines(String path, ApiResponse response, Consumer<JsonNode> report)
      throws IOException {
    if (response.status() != 200) {
      throw refusal(path, response.status(), MAPPER.readTree(response.body()));
    }
    try (MappingIterator<JsonNode> lines =
        MAPPER.readerFor(JsonNode.class).readValues(response.body())) {
      while (lines.hasNextValue()) {
        JsonNode line = lines.nextValue();
        if (line.has("error")) {
          throw refusal(path, response.status(), line);
        }
        if (line.has("result")) {
          return line.path("result");
        }
        report.accept(line);
      }
    }
    throw new IOException("it has no result");
  }

  private JsonNode json(String what, String line, byte[] body) {
    try (SocketChannel channel = socket.connect();
        Limit _ = closing(channel)) {
      ApiResponse response = send(channel, line, body);
      JsonNode json = MAPPER.readTree(response.body());
      if (response.status() != 200) {
        throw refusal(what, response.status(), json);
      }
      return json;
    } catch (AsynchronousCloseException e) {
      throw new FaultException(
          Fault.DEADLINE_EXCEEDED, "%s: no answer within %d s".formatted(what, timeoutSeconds), e);
    } catch (IOException e) {
      throw broken(what, e);
    }
  }

  /** Closes the connection when the time is over, unless it is closed before. */
  private Limit closing(SocketChannel channel) {
    Thread timer =
        Thread.ofVirtual()
            .name("api-timeout")
            .start(() -> {
              try {
                Thread.sleep(Duration.ofSeconds(timeoutSeconds));
                channel.close();
              } catch (InterruptedException | IOException e) {
                // it was answered in time; or closing failed, and then it is of no use any more
                return;
              }
            });
    return timer::interrupt;
  }

  private interface Limit extends AutoCloseable {
    @Override
    void close();
  }

  private static ApiResponse send(SocketChannel channel, String line, byte[] body)
      throws IOException {
    OutputStream out = Channels.newOutputStream(channel);
    String head =
        line
            + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + "Content-Type: application/json\r\nContent-Length: "
            + body.length
            + "\r\n\r\n";
    out.write(head.getBytes(StandardCharsets.US_ASCII));
    out.write(body);
    return ApiResponse.read(Channels.newInputStream(channel));
  }

  /** What {@code {"error": {"code": …, "message": …}}} says. */
  private static RefusedException refusal(String what, int status, JsonNode json) {
    JsonNode error = json.path("error");
    String message = error.path("message").asText(what + ": HTTP status " + status);
    String code = error.path("code").asText();
    Fault kind =
        Arrays.stream(Fault.values())
            .filter(one -> one.name().equals(code))
            .findFirst()
            .orElse(Fault.INTERNAL);
    return new RefusedException(kind, message);
  }

  private static FaultException broken(String what, IOException e) {
    return new FaultException(
        Fault.UNAVAILABLE, "%s: the daemon's answer broke off: %s".formatted(what, e), e);
  }

  @Override
  public void close() {
    socket.close();
  }
}
