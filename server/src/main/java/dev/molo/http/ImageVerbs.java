package dev.molo.http;

import dev.molo.fault.FaultException;
import dev.molo.image.Image;
import dev.molo.image.ImageOperations;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.util.Set;

/** What changes images. Each takes a JSON object; a field that it does not know is refused. */
final class ImageVerbs {
  private static final long MAX_BODY = 1 << 20;

  private final ImageOperations operations;

  ImageVerbs(ImageOperations operations) {
    this.operations = operations;
  }

  void addTo(Router router, Routes routes) {
    BodyHandler body = BodyHandler.create(false).setBodyLimit(MAX_BODY);
    router
        .post("/v1/images/tag")
        .handler(body)
        .handler(context -> routes.answer(context, this::tag));
    router
        .post("/v1/images/untag")
        .handler(body)
        .handler(context -> routes.answer(context, this::untag));
  }

  private Answer tag(RoutingContext context) {
    JsonObject request = request(context, Set.of("image", "name"));
    Image image = operations.tag(text(request, "image"), text(request, "name"));
    return Answer.json(ImagesDocument.image(image));
  }

  private Answer untag(RoutingContext context) {
    JsonObject request = request(context, Set.of("name"));
    return Answer.json(ImagesDocument.image(operations.untag(text(request, "name"))));
  }

  private static JsonObject request(RoutingContext context, Set<String> fields) {
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

  private static String text(JsonObject request, String field) {
    if (!(request.getValue(field) instanceof String text) || text.isEmpty()) {
      throw FaultException.invalid("the request lacks the text %s", field);
    }
    return text;
  }
}
