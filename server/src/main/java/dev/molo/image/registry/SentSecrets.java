package dev.molo.image.registry;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * What one request shows of us, to be taken out of its answer's words: gateways that answer with
 * the request they got exist, and what they say goes into errors and the log.
 */
final class SentSecrets {
  /** Shorter ones are no secrets, and would be found everywhere. */
  private static final int SHORTEST = 4;

  private static final String BASIC = "Basic ";
  private static final String REFRESH = "refresh_token=";

  private SentSecrets() {}

  /** The text without them. */
  static String hidden(String text, Exchange.Request request) {
    String hidden = text;
    for (String secret : in(request)) {
      if (secret.length() >= SHORTEST) {
        hidden = hidden.replace(secret, "…");
      }
    }
    return hidden;
  }

  private static List<String> in(Exchange.Request request) {
    List<String> secrets = new ArrayList<>();
    for (List<String> values : request.confidential().values()) {
      for (String value : values) {
        secrets.add(value.substring(value.indexOf(' ') + 1));
        if (value.startsWith(BASIC)) {
          secrets.add(password(value));
        }
      }
    }
    request
        .body()
        .ifPresent(body -> {
          String form = body.toString(StandardCharsets.UTF_8);
          int token = form.indexOf(REFRESH);
          if (token >= 0) {
            String encoded = form.substring(token + REFRESH.length());
            secrets.add(encoded);
            secrets.add(URLDecoder.decode(encoded, StandardCharsets.UTF_8));
          }
        });
    return secrets;
  }

  private static String password(String basic) {
    byte[] both;
    try {
      both = Base64.getDecoder().decode(basic.substring(BASIC.length()));
    } catch (IllegalArgumentException e) {
      // A header of hosts.toml that is none: it was hidden as a whole.
      return "";
    }
    String text = new String(both, StandardCharsets.UTF_8);
    return text.substring(text.indexOf(':') + 1);
  }
}
