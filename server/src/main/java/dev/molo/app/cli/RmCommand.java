package dev.molo.app.cli;

import dev.molo.app.cli.manifest.PodDirectory;
import dev.molo.app.cli.manifest.PodManifest;
import dev.molo.app.cli.manifest.SandboxRequest;
import dev.molo.cri.v1.PodSandbox;
import dev.molo.fault.FaultException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Stops and removes pods. */
@Command(
    name = "rm",
    header = "Stop and remove pods.",
    description = {
      "",
      "Containers get their stop signal and the pod's grace period, then SIGKILL. The pod's"
          + " containers, logs and emptyDir volumes go with it.",
      ""
    })
final class RmCommand implements Callable<Integer> {
  /** As a kubelet does for a pod that says nothing. */
  private static final long DEFAULT_GRACE_SECONDS = 30;

  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "The pods of this manifest; those that are gone are passed over.")
  private String file;

  @Option(names = "--all", description = "All pods of this daemon.")
  private boolean all;

  @Option(
      names = "--grace",
      paramLabel = "SECONDS",
      description =
          "How long containers have to end; 0 kills at once. Default: the manifest's"
              + " terminationGracePeriodSeconds, else 30.")
  private Long graceSeconds;

  @Parameters(
      arity = "0..*",
      paramLabel = "POD",
      description = "A pod's name, NAMESPACE/NAME, or the beginning of its id.")
  private List<String> names = new ArrayList<>();

  @Override
  public Integer call() {
    if (names.isEmpty() && !all && file == null) {
      throw FaultException.invalid("rm: name a pod, or give -f FILE or --all");
    }
    PrintWriter out = spec.commandLine().getOut();
    List<Object> removed = new ArrayList<>();
    try (CriClient client = connection.connect()) {
      for (PodSandbox pod : chosen(Targets.of(client))) {
        remove(client, pod);
        removed.add(Targets.fullName(pod));
        if (!output.json()) {
          out.println("removed " + Targets.fullName(pod));
          out.flush();
        }
      }
    }
    if (output.json()) {
      out.println(JsonText.of(Map.of("removed", removed)));
    }
    return ExitCode.OK;
  }

  private List<PodSandbox> chosen(Targets targets) {
    if (all) {
      return targets.pods();
    }
    List<PodSandbox> chosen = new ArrayList<>(names.stream().map(targets::pod).toList());
    if (file != null) {
      List<String> wanted = RunCommand.manifests(file).stream().map(PodManifest::fullName).toList();
      targets.pods().stream()
          .filter(pod -> wanted.contains(Targets.fullName(pod)))
          .forEach(chosen::add);
    }
    return chosen;
  }

  private void remove(CriClient client, PodSandbox pod) {
    // looked up first: afterwards nobody knows of the folder any more
    Optional<PodDirectory> directory =
        PodDirectory.annotated(pod.getAnnotationsMap(), pod.getMetadata().getUid());
    new PodRemoval(client).remove(pod.getId(), grace(pod));
    directory.ifPresent(PodDirectory::delete);
  }

  private long grace(PodSandbox pod) {
    if (graceSeconds != null) {
      return Math.max(0, graceSeconds);
    }
    String kept = pod.getAnnotationsOrDefault(SandboxRequest.GRACE_ANNOTATION, "");
    return kept.matches("\\d{1,10}") ? Long.parseLong(kept) : DEFAULT_GRACE_SECONDS;
  }
}
