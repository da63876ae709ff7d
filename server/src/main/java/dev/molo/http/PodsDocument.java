package dev.molo.http;

import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.SandboxSnapshot;
import dev.molo.spec.SandboxId;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** {@code /v1/pods}. */
final class PodsDocument {
  private PodsDocument() {}

  /** The newest first. */
  static JsonObject of(List<SandboxSnapshot> pods, List<ContainerSnapshot> containers) {
    Map<SandboxId, List<ContainerSnapshot>> byPod =
        containers.stream().collect(Collectors.groupingBy(ContainerSnapshot::sandboxId));
    JsonArray items = new JsonArray();
    pods.stream()
        .sorted(Comparator.comparingLong(SandboxSnapshot::createdAt).reversed())
        .forEach(pod -> items.add(pod(pod, byPod.getOrDefault(pod.id(), List.of()))));
    return new JsonObject().put("pods", items);
  }

  private static JsonObject pod(SandboxSnapshot pod, List<ContainerSnapshot> containers) {
    JsonArray inside = new JsonArray();
    containers.forEach(c -> inside.add(ContainersDocument.brief(c)));
    return new JsonObject()
        .put("id", pod.id().value())
        .put("name", pod.spec().metadata().name())
        .put("namespace", pod.spec().metadata().namespace())
        .put("uid", pod.spec().metadata().uid())
        .put("attempt", Integer.toUnsignedLong(pod.spec().metadata().attempt()))
        .put("state", pod.ready() ? "ready" : "notready")
        .put("reason", pod.notReadyReason())
        .put("createdAt", Times.text(pod.createdAt()))
        .put("addresses", new JsonArray(pod.addresses()))
        .put("supervisorPid", pod.supervisorPid())
        .put("labels", json(pod.spec().labels()))
        .put("annotations", json(pod.spec().annotations()))
        .put("containers", inside);
  }

  static JsonObject json(Map<String, String> map) {
    JsonObject object = new JsonObject();
    map.forEach(object::put);
    return object;
  }
}
