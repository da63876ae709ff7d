package dev.molo.app.cli;

import dev.molo.cri.v1.ListPodSandboxRequest;
import dev.molo.cri.v1.PodSandbox;
import dev.molo.cri.v1.PodSandboxStatus;
import dev.molo.cri.v1.PodSandboxStatusRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists pods with their addresses. */
@Command(
    name = "pods",
    header = "List pods.",
    description = {"", "All of them, those that are stopped too, the newest first.", ""})
final class PodsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;

  @Option(
      names = {"-l", "--label"},
      paramLabel = "KEY=VALUE",
      description = "Only pods with this label; may be given several times.")
  private Map<String, String> labels = new LinkedHashMap<>();

  @Option(
      names = {"-q", "--quiet"},
      description = "Only whole ids.")
  private boolean quiet;

  @Override
  public Integer call() {
    try (CriClient client = connection.connect()) {
      List<PodSandbox> pods =
          client
              .runtime()
              .listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
              .getItemsList()
              .stream()
              .filter(pod -> Shown.matches(pod.getLabelsMap(), labels))
              .sorted(Comparator.comparingLong(PodSandbox::getCreatedAt).reversed())
              .toList();
      if (quiet) {
        pods.forEach(pod -> spec.commandLine().getOut().println(pod.getId()));
      } else {
        show(client, pods);
      }
    }
    return ExitCode.OK;
  }

  private void show(CriClient client, List<PodSandbox> pods) {
    Table table = new Table("POD", "NAMESPACE", "STATE", "ADDRESS", "AGE", "ATTEMPT", "ID");
    List<Object> items = new ArrayList<>();
    Instant now = Instant.now();
    for (PodSandbox pod : pods) {
      List<String> addresses = addresses(client, pod.getId());
      table.row(
          pod.getMetadata().getName(),
          pod.getMetadata().getNamespace(),
          Shown.state(pod.getState()),
          addresses.isEmpty() ? "-" : addresses.getFirst(),
          Shown.age(pod.getCreatedAt(), now),
          Integer.toUnsignedString(pod.getMetadata().getAttempt()),
          Shown.briefId(pod.getId()));
      items.add(facts(pod, addresses));
    }
    if (output.json()) {
      spec.commandLine().getOut().println(JsonText.of(Map.of("pods", items)));
    } else {
      table.print(spec.commandLine().getOut());
    }
  }

  private static Map<String, Object> facts(PodSandbox pod, List<String> addresses) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("id", pod.getId());
    facts.put("name", pod.getMetadata().getName());
    facts.put("namespace", pod.getMetadata().getNamespace());
    facts.put("uid", pod.getMetadata().getUid());
    facts.put("attempt", Integer.toUnsignedLong(pod.getMetadata().getAttempt()));
    facts.put("state", Shown.state(pod.getState()));
    facts.put("createdAt", Shown.time(pod.getCreatedAt()));
    facts.put("addresses", addresses);
    facts.put("labels", pod.getLabelsMap());
    facts.put("annotations", pod.getAnnotationsMap());
    return facts;
  }

  /** A pod's addresses, the primary first; none for a pod that has gone meanwhile. */
  static List<String> addresses(CriClient client, String podId) {
    return status(client, podId).map(PodsCommand::addresses).orElse(List.of());
  }

  private static List<String> addresses(PodSandboxStatus status) {
    List<String> addresses = new ArrayList<>();
    if (!status.getNetwork().getIp().isEmpty()) {
      addresses.add(status.getNetwork().getIp());
    }
    status.getNetwork().getAdditionalIpsList().forEach(ip -> addresses.add(ip.getIp()));
    return addresses;
  }

  private static Optional<PodSandboxStatus> status(CriClient client, String podId) {
    try {
      return Optional.of(
          client
              .runtime()
              .podSandboxStatus(PodSandboxStatusRequest.newBuilder().setPodSandboxId(podId).build())
              .getStatus());
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }
}
