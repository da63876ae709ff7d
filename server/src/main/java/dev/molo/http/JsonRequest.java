package dev.molo.http;

import dev.molo.fault.FaultException;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.util.Set;

/** What a verb is told: a JSON object, of whose fields none may be unknown. */
final class JsonRequest {
  private static final long MAX_BODY = 1 << 20;

  private JsonRequest() {}

  /** Reads the body before the verb. */
  static BodyHandler body() {
    return BodyHandler.create(false).setBodyLimit(MAX_BODY);
  }

  static JsonObject of(RoutingContext context, Set<String> fields) {
    JsonObject request;
    try {
      request = context.body().asJsonObject();
    } catch (DecodeException e) {
      throw FaultException.invalid("the request is not a JSON object: %s", e.getMessage());
    }
    if (request == null) {
      throw FaultException.invalid("the request has no JSON object");
    }
    for (String field : request.fieldNames()) {
      if (!fields.contains(field)) {
        throw FaultException.invalid("the request has the unknown field %s", field);
      }
    }
    return request;
  }

  static String text(JsonObject request, String field) {
    if (!(request.getValue(field) instanceof String text) || text.isEmpty()) {
      throw FaultException.invalid("the request lacks the text %s", field);
    }
    return text;
  }
}
