package dev.molo.app.cli;

import dev.molo.app.cli.manifest.ManifestReader;
import dev.molo.app.cli.manifest.PodManifest;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs pods from Kubernetes manifests. */
@Command(
    name = "run",
    header = "Run pods from an ordinary Kubernetes Pod manifest.",
    description = {
      "",
      "Makes the CRI requests that a kubelet would make: images by their pull policy, the sandbox,"
          + " init containers in order, then the others. A field that is not supported is named with"
          + " its line and path, and nothing is started. What belongs to a kubelet (restartPolicy,"
          + " probes) is accepted and left to it. If a step fails, what was made is removed again.",
      "",
      "Volumes: emptyDir (in the pod's own folder; goes with molo rm) and hostPath.",
      ""
    })
final class RunCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;

  @Option(
      names = {"-f", "--file"},
      required = true,
      paramLabel = "FILE",
      description = "The manifest, YAML or JSON; - reads standard input.")
  private String file;

  @Option(
      names = "--strict",
      description = "Refuse a manifest with fields that only a kubelet can act on.")
  private boolean strict;

  @Option(
      names = "--dry-run",
      description = "Only read the manifest and say what is wrong with it.")
  private boolean dryRun;

  @Option(names = "--timings", description = "Say how long each stage took.")
  private boolean timings;

  @Override
  public Integer call() throws InterruptedException {
    List<PodManifest> pods = manifests(file);
    pods.forEach(this::sayWhatIsLeft);
    if (dryRun) {
      return ExitCode.OK;
    }
    List<Object> items = new ArrayList<>();
    try (CriClient client = connection.connect()) {
      Path base = PodsDirectory.of(client);
      for (PodManifest pod : pods) {
        PodRun run = new PodRun(client, pod, base, this::progress);
        String id = run.run();
        items.add(facts(pod, id, run));
        if (!output.json()) {
          show(pod, id, run);
        }
      }
    }
    if (output.json()) {
      spec.commandLine().getOut().println(JsonText.of(Map.of("pods", items)));
    }
    return ExitCode.OK;
  }

  static List<PodManifest> manifests(String file) {
    if (!file.equals("-")) {
      return ManifestReader.read(Path.of(file));
    }
    try {
      return ManifestReader.read(
          "standard input", new String(System.in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new FaultException(Fault.INVALID_ARGUMENT, "read standard input: " + e, e);
    }
  }

  private void sayWhatIsLeft(PodManifest pod) {
    if (pod.leftToKubelet().isEmpty()) {
      return;
    }
    String fields = String.join(", ", pod.leftToKubelet());
    if (strict) {
      throw FaultException.invalid(
          "pod %s: only a kubelet can act on %s, and --strict was given", pod.fullName(), fields);
    }
    progress(
        "pod %s: left to a kubelet, without effect here: %s".formatted(pod.fullName(), fields));
  }

  private void progress(String line) {
    PrintWriter err = spec.commandLine().getErr();
    err.println(line);
    err.flush();
  }

  private void show(PodManifest pod, String id, PodRun run) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "pod %s (%s) runs%s: %s"
            .formatted(
                pod.fullName(),
                Shown.briefId(id),
                run.addresses().isEmpty() ? "" : " at " + run.addresses().getFirst(),
                String.join(", ", run.containerIds().keySet())));
    if (timings) {
      out.println(
          run.stages().entrySet().stream()
              .map(stage ->
                  String.format(
                      Locale.ROOT, "%s %.1f ms", stage.getKey(), stage.getValue() / 1000.0))
              .collect(Collectors.joining(", ")));
    }
    out.flush();
  }

  private static Map<String, Object> facts(PodManifest pod, String id, PodRun run) {
    List<Object> stages =
        run.stages().entrySet().stream()
            .map(stage -> {
              Map<String, Object> one = new LinkedHashMap<>();
              one.put("stage", stage.getKey());
              one.put("milliseconds", stage.getValue() / 1000.0);
              return (Object) one;
            })
            .toList();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("id", id);
    facts.put("name", pod.name());
    facts.put("namespace", pod.namespace());
    facts.put("uid", pod.uid());
    facts.put("addresses", run.addresses());
    facts.put("containers", run.containerIds());
    facts.put("leftToKubelet", pod.leftToKubelet());
    facts.put("stages", stages);
    return facts;
  }
}
