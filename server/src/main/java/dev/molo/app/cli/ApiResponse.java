package dev.molo.app.cli;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * An answer of HTTP/1.1 (RFC 9112): its head, and its body as a stream that knows its end, by
 * length or in chunks, so that one that breaks off is an error and never a short answer.
 */
final class ApiResponse {
  private static final int MAX_LINE = 4 << 20;

  private final int status;
  private final Map<String, String> fields;
  private final Body body;

  private ApiResponse(int status, Map<String, String> fields, InputStream in) {
    this.status = status;
    this.fields = fields;
    boolean chunked = "chunked".equalsIgnoreCase(fields.get("transfer-encoding"));
    this.body =
        chunked
            ? new Body(in, 0, true)
            : new Body(in, Long.parseLong(fields.getOrDefault("content-length", "0")), false);
  }

  static ApiResponse read(InputStream raw) throws IOException {
    InputStream in = new BufferedInputStream(raw, 64 << 10);
    String line = line(in);
    if (!line.matches("HTTP/1\\.[01] [0-9]{3}( .*)?")) {
      throw new IOException("not an answer of HTTP/1.1");
    }
    return new ApiResponse(Integer.parseInt(line.substring(9, 12)), fields(in), in);
  }

  int status() {
    return status;
  }

  InputStream body() {
    return body;
  }

  /** A field that came after a chunked body; only once that is read. */
  Optional<String> trailer(String name) {
    return Optional.ofNullable(fields.get(name.toLowerCase(Locale.ROOT)));
  }

  private static Map<String, String> fields(InputStream in) throws IOException {
    Map<String, String> fields = new HashMap<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      if (colon <= 0) {
        throw new IOException("a header field without a colon");
      }
      fields.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    return fields;
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException("the connection ended");
      }
      if (line.length() == MAX_LINE) {
        throw new IOException("a line longer than " + MAX_LINE + " bytes");
      }
      line.append((char) c);
    }
    int end = line.length();
    if (end > 0 && line.charAt(end - 1) == '\r') {
      line.setLength(end - 1);
    }
    byte[] bytes = line.toString().getBytes(StandardCharsets.ISO_8859_1);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private final class Body extends InputStream {
    private final InputStream in;
    private final boolean chunked;
    private long left;
    private boolean inChunks;
    private boolean ended;

    Body(InputStream in, long left, boolean chunked) {
      this.in = in;
      this.left = left;
      this.chunked = chunked;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (left == 0 && !nextChunk()) {
        return -1;
      }
      int n = in.read(into, offset, (int) Math.min(length, left));
      if (n < 0) {
        throw new EOFException("the connection ended in the middle of the answer");
      }
      left -= n;
      return n;
    }

    private boolean nextChunk() throws IOException {
      if (!chunked || ended) {
        return false;
      }
      if (inChunks && !line(in).isEmpty()) {
        throw new IOException("a chunk that is longer than it says");
      }
      inChunks = true;
      String size = line(in).split(";", 2)[0].strip();
      if (!size.matches("[0-9a-fA-F]{1,15}")) {
        throw new IOException("a chunk without a size");
      }
      left = Long.parseLong(size, 16);
      if (left == 0) {
        ended = true;
        fields.putAll(ApiResponse.fields(in));
      }
      return !ended;
    }
  }
}
