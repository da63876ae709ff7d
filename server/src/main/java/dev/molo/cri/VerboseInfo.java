package dev.molo.cri;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.molo.image.Image;
import dev.molo.image.ImageConfig;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.ContainerState;
import dev.molo.pod.RuntimeCondition;
import dev.molo.pod.SandboxSnapshot;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;

/**
 * The "info" of verbose answers: JSON objects for people and their tools, under keys that crictl's
 * users know ({@code info.pid}). Never holds the value of an environment variable or a credential
 * of a request.
 */
final class VerboseInfo {
  private static final String KEY = "info";

  private VerboseInfo() {}

  static Map<String, String> sandbox(SandboxSnapshot sandbox) {
    ObjectNode info = Json.object();
    info.put("pid", sandbox.supervisorPid());
    info.put("notReadyReason", sandbox.notReadyReason());
    info.put("cgroupParent", sandbox.spec().cgroupParent());
    info.put("logDirectory", sandbox.spec().logDirectory());
    addFacts(info, sandbox.facts());
    return Map.of(KEY, Json.text(info));
  }

  static Map<String, String> container(ContainerSnapshot container) {
    ObjectNode info = Json.object();
    info.put("sandboxID", container.sandboxId().value());
    info.put(
        "pid", container.state() instanceof ContainerState.Running running ? running.pid() : 0);
    info.put("privileged", container.spec().security().privileged());
    info.put("tty", container.spec().tty());
    info.put("stdin", container.spec().stdin());
    ArrayNode names = info.putArray("envNames");
    container.spec().envs().forEach(variable -> names.add(variable.name()));
    addFacts(info, container.facts());
    return Map.of(KEY, Json.text(info));
  }

  private static void addFacts(ObjectNode info, Map<String, String> facts) {
    new TreeMap<>(facts)
        .forEach((key, value) -> {
          if (!info.has(key)) {
            info.put(key, value);
          }
        });
  }

  static Map<String, String> image(Image image) {
    ObjectNode spec = Json.object();
    spec.put("created", image.created().toString());
    spec.put("architecture", image.platform().architecture());
    spec.put("os", image.platform().os());
    spec.set("config", config(image.config()));
    ObjectNode rootfs = spec.putObject("rootfs");
    rootfs.put("type", "layers");
    ArrayNode diffIds = rootfs.putArray("diff_ids");
    image.layers().forEach(layer -> diffIds.add(layer.toString()));
    ObjectNode info = Json.object();
    info.set("imageSpec", spec);
    return Map.of(KEY, Json.text(info));
  }

  /** Spelled as in the OCI image specification. */
  private static ObjectNode config(ImageConfig config) {
    ObjectNode node = Json.object();
    node.put("User", config.user());
    node.put("WorkingDir", config.workingDirectory());
    node.put("StopSignal", config.stopSignal());
    ArrayNode env = node.putArray("Env");
    config.environment().forEach(env::add);
    ArrayNode entrypoint = node.putArray("Entrypoint");
    config.entrypoint().forEach(entrypoint::add);
    ArrayNode command = node.putArray("Cmd");
    config.command().forEach(command::add);
    ObjectNode ports = node.putObject("ExposedPorts");
    config.exposedPorts().forEach(ports::putObject);
    ObjectNode volumes = node.putObject("Volumes");
    config.volumes().forEach(volumes::putObject);
    ObjectNode labels = node.putObject("Labels");
    config.labels().forEach(labels::put);
    return node;
  }

  /** Of the runtime: its own documents, the edge's facts, and what is slow right now. */
  static Map<String, String> runtime(
      RuntimeCondition condition, Map<String, String> documents, CriFacts facts) {
    Map<String, String> info = new TreeMap<>();
    documents.forEach((key, text) -> info.put(key, asObject(text)));
    info.put("runtime", Json.text(runtime(facts)));
    info.put("slowStages", Json.text(slowStages(condition)));
    return info;
  }

  /** crictl takes anything else than an object for a bare string. */
  private static String asObject(String text) {
    if (text.startsWith("{")) {
      return text;
    }
    ObjectNode wrapped = Json.object();
    Json.put(wrapped, "value", text);
    return Json.text(wrapped);
  }

  private static ObjectNode runtime(CriFacts facts) {
    ObjectNode node = Json.object();
    node.put("version", facts.version());
    node.put("cgroupDriver", facts.cgroupDriver().name());
    ObjectNode handlers = node.putObject("handlers");
    facts
        .handlers()
        .forEach((name, features) ->
            handlers
                .putObject(name)
                .put("recursiveReadOnlyMounts", features.recursiveReadOnlyMounts())
                .put("userNamespaces", features.userNamespaces()));
    return node;
  }

  private static ObjectNode slowStages(RuntimeCondition condition) {
    ObjectNode node = Json.object();
    ArrayNode stages = node.putArray("stages");
    for (RuntimeCondition.SlowStage stage : condition.slowStages()) {
      stages
          .addObject()
          .put("object", stage.object())
          .put("verb", stage.verb())
          .put("step", stage.step())
          .put("since", instant(stage.since()).toString())
          .put("waitsFor", stage.waitsFor());
    }
    return node;
  }

  private static Instant instant(long nanos) {
    return Instant.ofEpochSecond(
        Math.floorDiv(nanos, 1_000_000_000L), Math.floorMod(nanos, 1_000_000_000L));
  }
}
