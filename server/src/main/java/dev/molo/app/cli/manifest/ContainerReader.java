package dev.molo.app.cli.manifest;

import dev.molo.app.cli.manifest.PodManifest.Container;
import dev.molo.app.cli.manifest.PodManifest.Env;
import dev.molo.app.cli.manifest.PodManifest.Port;
import dev.molo.app.cli.manifest.PodManifest.PullPolicy;
import dev.molo.app.cli.manifest.PodManifest.Resources;
import dev.molo.app.cli.manifest.PodManifest.VolumeMount;
import dev.molo.cri.v1.Signal;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads containers. For one thread. */
final class ContainerReader {
  private static final String HUGEPAGES = "hugepages-";

  private final List<String> volumes;
  private final Set<String> names = new HashSet<>();

  ContainerReader(List<String> volumes) {
    this.volumes = volumes;
  }

  Container container(Fields fields, boolean init) {
    String image = fields.required("image");
    Container container =
        new Container(
            name(fields),
            image,
            pullPolicy(fields, image),
            fields.texts("command"),
            fields.texts("args"),
            fields.text("workingDir", ""),
            env(fields),
            mounts(fields),
            ports(fields),
            resources(fields),
            SecurityReader.container(fields),
            stopSignal(fields),
            fields.isTrue("stdin"),
            fields.isTrue("stdinOnce"),
            fields.isTrue("tty"),
            init && sidecar(fields));
    fields.leftToKubelet(
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "resizePolicy");
    if (!init) {
      fields.leftToKubelet("restartPolicy");
    }
    fields.finish();
    return container;
  }

  private String name(Fields fields) {
    String name = fields.required("name");
    if (!name.isEmpty() && !name.matches("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")) {
      fields.wrong("name", "must be lower-case letters, digits and '-'");
    }
    if (!names.add(name)) {
      fields.wrong("name", "is that of another container, " + name);
    }
    return name;
  }

  private static boolean sidecar(Fields fields) {
    return fields.text("restartPolicy").isPresent()
        && fields.choice("restartPolicy", "Always", "Always").equals("Always");
  }

  private static PullPolicy pullPolicy(Fields fields, String image) {
    String last = image.substring(image.lastIndexOf('/') + 1);
    boolean latest = !last.contains("@") && (!last.contains(":") || last.endsWith(":latest"));
    String fallback = latest ? "Always" : "IfNotPresent";
    return switch (fields.choice("imagePullPolicy", fallback, "Always", "IfNotPresent", "Never")) {
      case "Always" -> PullPolicy.ALWAYS;
      case "Never" -> PullPolicy.NEVER;
      default -> PullPolicy.IF_NOT_PRESENT;
    };
  }

  private static List<Env> env(Fields fields) {
    List<Env> env = new ArrayList<>();
    for (Fields entry : fields.sections("env")) {
      String name = entry.required("name");
      if (name.indexOf('=') >= 0) {
        entry.wrong("name", "must not contain '='");
      }
      Optional<Fields> from = entry.section("valueFrom");
      if (from.isPresent()) {
        fact(name, from.get()).ifPresent(env::add);
      } else {
        env.add(new Env.Plain(name, entry.text("value", "")));
      }
      entry.finish();
    }
    return env;
  }

  private static Optional<Env> fact(String name, Fields from) {
    Optional<Fields> ref = from.section("fieldRef");
    from.finish();
    if (ref.isEmpty()) {
      return Optional.empty();
    }
    String path = ref.get().required("fieldPath");
    ref.get().choice("apiVersion", "v1", "v1");
    ref.get().finish();
    if (!PodFacts.knows(path)) {
      ref.get().wrong("fieldPath", "is not supported by molo run: " + path);
    }
    return Optional.of(new Env.Fact(name, path));
  }

  private List<VolumeMount> mounts(Fields fields) {
    List<VolumeMount> mounts = new ArrayList<>();
    for (Fields entry : fields.sections("volumeMounts")) {
      String volume = entry.required("name");
      if (!volumes.contains(volume)) {
        entry.wrong("name", "names no volume of the pod: " + volume);
      }
      boolean readOnly = entry.isTrue("readOnly");
      String recursive =
          entry.choice("recursiveReadOnly", "Disabled", "Disabled", "IfPossible", "Enabled");
      if (!readOnly && !recursive.equals("Disabled")) {
        entry.wrong("recursiveReadOnly", "needs readOnly");
      }
      Optional<String> expression = entry.text("subPathExpr");
      String subPath = expression.orElse(entry.text("subPath", ""));
      if (subPath.startsWith("/") || List.of(subPath.split("/", -1)).contains("..")) {
        entry.wrong("subPath", "must be relative and without '..'");
      }
      mounts.add(
          new VolumeMount(
              volume,
              entry.required("mountPath"),
              readOnly,
              recursive,
              subPath,
              expression.isPresent(),
              entry.choice(
                  "mountPropagation", "None", "None", "HostToContainer", "Bidirectional")));
      entry.finish();
    }
    return mounts;
  }

  private static List<Port> ports(Fields fields) {
    List<Port> ports = new ArrayList<>();
    for (Fields entry : fields.sections("ports")) {
      if (!entry.has("containerPort")) {
        entry.wrong("containerPort", "is missing");
      }
      ports.add(
          new Port(
              entry.choice("protocol", "TCP", "TCP", "UDP", "SCTP"),
              (int) entry.integer("containerPort", 1, 65535).orElse(0),
              (int) entry.integer("hostPort", 1, 65535).orElse(0),
              entry.text("hostIP", "")));
      // services refer to it
      entry.passedOver("name");
      entry.finish();
    }
    return ports;
  }

  private static Resources resources(Fields fields) {
    Fields section = fields.section("resources").orElseGet(Fields::nothing);
    Fields requests = section.section("requests").orElseGet(Fields::nothing);
    Fields limits = section.section("limits").orElseGet(Fields::nothing);
    Resources resources =
        new Resources(
            requests.quantity("cpu"),
            limits.quantity("cpu"),
            requests.quantity("memory"),
            limits.quantity("memory"),
            hugepages(limits));
    requests.keys().stream().filter(key -> key.startsWith(HUGEPAGES)).forEach(requests::quantity);
    requests.leftToKubelet("ephemeral-storage");
    limits.leftToKubelet("ephemeral-storage");
    requests.finish();
    limits.finish();
    section.finish();
    exceeds(requests, "cpu", resources.cpuRequest(), resources.cpuLimit());
    exceeds(requests, "memory", resources.memoryRequest(), resources.memoryLimit());
    return resources;
  }

  private static Map<String, Long> hugepages(Fields limits) {
    Map<String, Long> pages = new LinkedHashMap<>();
    for (String key : limits.keys()) {
      if (key.startsWith(HUGEPAGES)) {
        limits
            .quantity(key)
            .ifPresent(bytes -> pages.put(key.substring(HUGEPAGES.length()), bytes.longValue()));
      }
    }
    return pages;
  }

  private static void exceeds(
      Fields requests, String key, Optional<BigDecimal> request, Optional<BigDecimal> limit) {
    if (request.isPresent() && limit.isPresent() && request.get().compareTo(limit.get()) > 0) {
      requests.wrong(key, "is more than the limit");
    }
  }

  private static Signal stopSignal(Fields fields) {
    Optional<Fields> lifecycle = fields.section("lifecycle");
    if (lifecycle.isEmpty()) {
      return Signal.SIGNAL_RUNTIME_DEFAULT;
    }
    lifecycle.get().leftToKubelet("postStart", "preStop");
    Optional<String> name = lifecycle.get().text("stopSignal");
    lifecycle.get().finish();
    if (name.isEmpty()) {
      return Signal.SIGNAL_RUNTIME_DEFAULT;
    }
    String constant = "SIGNAL_" + name.get().replace("+", "PLUS").replace("-", "MINUS");
    for (Signal signal : Signal.values()) {
      if (signal.name().equals(constant) && signal != Signal.SIGNAL_RUNTIME_DEFAULT) {
        return signal;
      }
    }
    lifecycle.get().wrong("stopSignal", "must be a signal's name such as SIGQUIT");
    return Signal.SIGNAL_RUNTIME_DEFAULT;
  }
}
