package dev.molo.http;

import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.ContainerState;
import dev.molo.pod.SandboxSnapshot;
import dev.molo.spec.SandboxId;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** {@code /v1/containers}. Environments are left out: they hold secrets. */
final class ContainersDocument {
  private ContainersDocument() {}

  /** The newest first. */
  static JsonObject of(List<ContainerSnapshot> containers, List<SandboxSnapshot> pods) {
    Map<SandboxId, SandboxSnapshot> podById =
        pods.stream().collect(Collectors.toMap(SandboxSnapshot::id, Function.identity()));
    JsonArray items = new JsonArray();
    containers.stream()
        .sorted(Comparator.comparingLong(ContainerSnapshot::createdAt).reversed())
        .forEach(c -> items.add(container(c, pod(c, podById))));
    return new JsonObject().put("containers", items);
  }

  /** What tells a container from others. */
  static JsonObject brief(ContainerSnapshot container) {
    return new JsonObject()
        .put("id", container.id().value())
        .put("name", container.spec().metadata().name())
        .put("state", state(container.state()));
  }

  private static JsonObject container(ContainerSnapshot container, JsonObject pod) {
    JsonObject object =
        brief(container)
            .put("attempt", Integer.toUnsignedLong(container.spec().metadata().attempt()))
            .put("pod", pod)
            .put("createdAt", Times.text(container.createdAt()))
            .put("image", image(container))
            .put("imageId", container.imageId())
            .put("imageRef", container.imageRef())
            .put("logPath", container.logPath())
            .put("labels", PodsDocument.json(container.spec().labels()))
            .put("annotations", PodsDocument.json(container.spec().annotations()));
    switch (container.state()) {
      case ContainerState.Created _ -> {
        // nothing has happened yet
      }
      case ContainerState.Running running ->
          object.put("startedAt", Times.text(running.startedAt())).put("pid", running.pid());
      case ContainerState.Exited exited ->
          object
              .put("startedAt", Times.text(exited.startedAt()))
              .put("finishedAt", Times.text(exited.finishedAt()))
              .put("exitCode", exited.exitCode())
              .put("reason", exited.reason())
              .put("message", exited.message());
      case ContainerState.Unknown unknown -> object.put("message", unknown.message());
    }
    return object;
  }

  private static String image(ContainerSnapshot container) {
    String asked = container.spec().image().userSpecifiedImage();
    return asked.isEmpty() ? container.spec().image().image() : asked;
  }

  private static JsonObject pod(
      ContainerSnapshot container, Map<SandboxId, SandboxSnapshot> podById) {
    JsonObject object = new JsonObject().put("id", container.sandboxId().value());
    SandboxSnapshot pod = podById.get(container.sandboxId());
    if (pod != null) {
      object
          .put("name", pod.spec().metadata().name())
          .put("namespace", pod.spec().metadata().namespace());
    }
    return object;
  }

  static String state(ContainerState state) {
    return switch (state) {
      case ContainerState.Created _ -> "created";
      case ContainerState.Running _ -> "running";
      case ContainerState.Exited _ -> "exited";
      case ContainerState.Unknown _ -> "unknown";
    };
  }
}
