package dev.molo.http;

import dev.molo.image.CommitRequest;
import dev.molo.image.ImageId;
import dev.molo.image.ImageOperations;
import dev.molo.pod.ContainerUsage;
import dev.molo.pod.PodRuntime;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.nio.file.Path;
import java.util.Set;

/** What is done with containers and CRI has no word for. */
final class ContainerVerbs {
  private final PodRuntime pods;
  private final ImageOperations operations;

  ContainerVerbs(PodRuntime pods, ImageOperations operations) {
    this.pods = pods;
    this.operations = operations;
  }

  void addTo(Router router, Routes routes) {
    router
        .post("/v1/containers/:id/commit")
        .handler(JsonRequest.body())
        .handler(context -> routes.lines(context, commit(context)));
  }

  private Routes.LongWork commit(RoutingContext context) {
    return (_, cancellation) -> {
      JsonObject request = JsonRequest.of(context, Set.of("name", "author", "comment"));
      ContainerUsage container = pods.containerUsage(context.pathParam("id"));
      CommitRequest wanted =
          new CommitRequest(
              ImageId.parse(container.container().imageId()),
              Path.of(container.writableLayerPath()),
              JsonRequest.text(request, "name"),
              request.getString("author", ""),
              request.getString("comment", ""));
      return ImagesDocument.image(operations.commit(wanted, cancellation));
    };
  }
}
