package dev.molo.http;

import dev.molo.fault.FaultException;
import dev.molo.image.Image;
import dev.molo.image.ImageOperations;
import dev.molo.image.LayerCheck;
import dev.molo.image.RegistryAuth;
import dev.molo.image.VerifyRequest;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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
    router
        .post("/v1/images/verify")
        .handler(body)
        .handler(context -> routes.lines(context, verify(context)));
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

  private Routes.LongWork verify(RoutingContext context) {
    return (report, cancellation) -> {
      JsonObject request = request(context, Set.of("image", "repair"));
      VerifyRequest wanted =
          new VerifyRequest(
              request.containsKey("image") ? Optional.of(text(request, "image")) : Optional.empty(),
              flag(request, "repair"),
              RegistryAuth.anonymous());
      List<LayerCheck> all =
          operations.verify(
              wanted,
              cancellation,
              check -> report.accept(new JsonObject().put("layer", check(check))));
      JsonObject counts = new JsonObject();
      for (LayerCheck.Verdict verdict : LayerCheck.Verdict.values()) {
        counts.put(word(verdict), all.stream().filter(check -> check.verdict() == verdict).count());
      }
      return counts;
    };
  }

  private static JsonObject check(LayerCheck check) {
    return new JsonObject()
        .put("diffId", check.diffId().toString())
        .put("bytes", check.bytes())
        .put("verdict", word(check.verdict()))
        .put("detail", check.detail());
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static boolean flag(JsonObject request, String field) {
    if (!(request.getValue(field, false) instanceof Boolean flag)) {
      throw FaultException.invalid("the request's %s is not true or false", field);
    }
    return flag;
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
