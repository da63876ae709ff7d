package dev.molo.image.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.Fault;
import dev.molo.image.Quoted;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/**
 * The registry's own words: {@code {"errors": [{"code", "message"}]}} (OCI distribution-spec,
 * "Error Codes").
 */
final class RegistryErrors {
  private static final int MAX_BODY = 16 << 10;
  private static final int MAX_SHOWN = 300;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private RegistryErrors() {}

  /** The failure that a status other than success is. Reads the answer's body. */
  static HostFailure of(Exchange.Answer answer) {
    String said = shorten(SentSecrets.hidden(said(answer), answer.request()));
    String message =
        answer.from().shown() + ": " + answer.status() + (said.isEmpty() ? "" : " " + said);
    return new HostFailure(kind(answer.status()), message, null);
  }

  private static Fault kind(int status) {
    return switch (status) {
      case 401 -> Fault.UNAUTHENTICATED;
      case 403 -> Fault.PERMISSION_DENIED;
      case 404, 410 -> Fault.NOT_FOUND;
      case 408, 429, 500, 502, 503, 504 -> Fault.UNAVAILABLE;
      default -> Fault.INTERNAL;
    };
  }

  /** Whether the same request may do better in a moment. */
  static boolean isTransient(int status) {
    return kind(status) == Fault.UNAVAILABLE;
  }

  /** What Retry-After asks for: a number of seconds, or a date (RFC 9110, 10.2.3). */
  static Optional<Duration> wantedPause(Exchange.Answer answer) {
    return answer.header("retry-after").flatMap(RegistryErrors::wantedPause);
  }

  private static Optional<Duration> wantedPause(String retryAfter) {
    String text = retryAfter.strip();
    if (text.matches("[0-9]{1,6}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
    }
    try {
      ZonedDateTime date = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME);
      return Optional.of(Duration.between(ZonedDateTime.now(ZoneOffset.UTC), date));
    } catch (DateTimeParseException e) {
      // Neither: our own pause holds.
      return Optional.empty();
    }
  }

  private static String said(Exchange.Answer answer) {
    String body;
    try {
      body = new String(answer.body().readNBytes(MAX_BODY), StandardCharsets.UTF_8);
    } catch (IOException e) {
      // The status is the news; a body that cannot be read adds nothing.
      return "";
    }
    try {
      JsonNode first = MAPPER.readTree(body).path("errors").path(0);
      if (first.isObject()) {
        return first.path("code").asText("") + ": " + first.path("message").asText("");
      }
    } catch (IOException e) {
      // Not JSON: a proxy's page, most likely. It is shown as text.
      return body;
    }
    return body;
  }

  private static String shorten(String text) {
    String line = text.strip().replaceAll("\\s+", " ");
    return Quoted.plain(line.length() > MAX_SHOWN ? line.substring(0, MAX_SHOWN) + "…" : line);
  }
}
