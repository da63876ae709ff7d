package dev.molo.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.FaultException;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Set;

/** What a verb is told: a JSON object, of whose fields none may be unknown. */
final class JsonRequest {
  private static final long MAX_BODY = 1 << 20;

  /**
   * A request may hold a password. Vert.x's own reader keeps its buffers for the next one, with
   * what was in them; these go with the request.
   */
  private static final ObjectMapper MAPPER =
      new ObjectMapper(
              JsonFactory.builder().recyclerPool(JsonRecyclerPools.nonRecyclingPool()).build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private static final TypeReference<Map<String, Object>> FIELDS = new TypeReference<>() {};

  private JsonRequest() {}

  /** Reads the body before the verb. */
  static BodyHandler body() {
    return BodyHandler.create(false).setBodyLimit(MAX_BODY);
  }

  static JsonObject of(RoutingContext context, Set<String> fields) {
    JsonObject request = read(context.body().buffer());
    for (String field : request.fieldNames()) {
      if (!fields.contains(field)) {
        throw FaultException.invalid("the request has the unknown field %s", field);
      }
    }
    return request;
  }

  private static JsonObject read(Buffer body) {
    if (body == null) {
      throw FaultException.invalid("the request has no JSON object");
    }
    try {
      Map<String, Object> fields = MAPPER.readValue(body.getBytes(), FIELDS);
      if (fields != null) {
        return new JsonObject(fields);
      }
    } catch (JsonProcessingException e) {
      throw FaultException.invalid("the request is not a JSON object: %s", e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException("bytes in memory can be read", e);
    }
    throw FaultException.invalid("the request has no JSON object");
  }

  static String text(JsonObject request, String field) {
    if (!(request.getValue(field) instanceof String text) || text.isEmpty()) {
      throw FaultException.invalid("the request lacks the text %s", field);
    }
    return text;
  }
}
