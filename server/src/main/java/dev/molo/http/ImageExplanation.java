package dev.molo.http;

import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Images;
import dev.molo.image.PullExplanation;
import dev.molo.image.PullRequest;
import dev.molo.image.Reference;
import dev.molo.image.RegistryAuth;
import dev.molo.image.admission.Judgement;
import dev.molo.image.registry.HostAnswer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.Set;

/**
 * What a pull would do. It asks registries and runs verifiers, so it is offered only where a
 * listener is for root alone.
 */
final class ImageExplanation {
  private final Images images;

  ImageExplanation(Images images) {
    this.images = images;
  }

  void addTo(Router router, Routes routes) {
    router
        .post("/v1/images/explain")
        .handler(JsonRequest.body())
        .handler(context -> routes.answer(context, this::explain));
  }

  private Answer explain(RoutingContext context) {
    JsonObject request =
        JsonRequest.of(context, Set.of("image", "username", "password", "identityToken"));
    String image = JsonRequest.text(request, "image");
    RegistryAuth auth =
        RegistryAuth.of(
            Reference.parse(image).registry(),
            request.getString("username", ""),
            request.getString("password", ""),
            "",
            "",
            request.getString("identityToken", ""),
            "");
    try (Cancellation cancellation = Cancellation.create()) {
      context.response().closeHandler(_ -> cancellation.cancel("explanation of " + image));
      return Answer.json(document(images.explain(PullRequest.of(image, auth), cancellation)));
    }
  }

  /** Everything but secrets, which an explanation does not hold. */
  static JsonObject document(PullExplanation told) {
    JsonArray hosts = new JsonArray();
    told.hosts().forEach(host -> hosts.add(host(host)));
    JsonArray layers = new JsonArray();
    told.layers().forEach(layer -> layers.add(layer(layer)));
    JsonArray judgements = new JsonArray();
    told.judgements().forEach(judgement -> judgements.add(judgement(judgement)));
    JsonObject document =
        new JsonObject()
            .put("given", told.given())
            .put("reference", told.reference())
            .put("hostsFile", told.hostsFile().map(Object::toString).orElse(null))
            .put("credentials", told.credentials())
            .put("hosts", hosts)
            .put("image", told.image().map(ImageExplanation::image).orElse(null))
            .put("layers", layers)
            .put("downloadBytes", told.room().download())
            .put("unpackBytesEstimate", told.room().unpackEstimate())
            .put("freeBytes", told.room().free())
            .put("judgements", judgements);
    return document.put("failure", told.failure().map(ImageExplanation::failure).orElse(null));
  }

  private static JsonObject host(HostAnswer answer) {
    return new JsonObject()
        .put("host", answer.host())
        .put("mirror", answer.mirror())
        .put("asked", answer.asked())
        .put("outcome", answer.outcome())
        .put("milliseconds", answer.time().toMillis());
  }

  private static JsonObject image(PullExplanation.Found found) {
    return new JsonObject()
        .put("digest", found.digest().toString())
        .put("manifest", found.manifest().toString())
        .put("id", found.id().map(Object::toString).orElse(null))
        .put("platform", found.platform())
        .put("why", found.why());
  }

  private static JsonObject layer(PullExplanation.Layer layer) {
    return new JsonObject()
        .put("digest", layer.digest().toString())
        .put("mediaType", layer.mediaType())
        .put("size", layer.size())
        .put("here", layer.here());
  }

  private static JsonObject judgement(Judgement judgement) {
    return new JsonObject()
        .put("judge", judgement.judge())
        .put("admitted", judgement.admitted())
        .put("reason", judgement.reason());
  }

  private static JsonObject failure(FaultException failure) {
    return new JsonObject()
        .put("code", failure.kind().name())
        .put("reason", failure.reason().map(Enum::name).orElse(null))
        .put("message", failure.getMessage());
  }
}
