package dev.molo.app.cli;

import dev.molo.cri.v1.Container;
import dev.molo.cri.v1.ContainerStats;
import dev.molo.cri.v1.ListContainerStatsRequest;
import dev.molo.cri.v1.UInt64Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what containers use. */
@Command(
    name = "stats",
    header = "Show what running containers use.",
    description = {
      "",
      "As the kernel counts it: CPU of the last interval in cores and in all, the memory's working"
          + " set, the writable layer. A number that the kernel does not give on this host is shown"
          + " as '-' (null in JSON).",
      ""
    })
final class StatsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;

  @Parameters(arity = "0..1", paramLabel = "CONTAINER", description = Targets.HELP)
  private String container;

  @Override
  public Integer call() {
    try (CriClient client = connection.connect()) {
      Targets targets = Targets.of(client);
      Optional<Container> only = Optional.ofNullable(container).map(targets::container);
      List<ContainerStats> stats =
          client
              .runtime()
              .listContainerStats(ListContainerStatsRequest.getDefaultInstance())
              .getStatsList()
              .stream()
              .filter(s -> only.isEmpty() || only.get().getId().equals(s.getAttributes().getId()))
              .toList();
      show(targets, stats);
    }
    return ExitCode.OK;
  }

  private void show(Targets targets, List<ContainerStats> stats) {
    Map<String, Container> byId =
        targets.containers().stream()
            .collect(Collectors.toMap(Container::getId, Function.identity()));
    Table table = new Table("CONTAINER", "POD", "CORES", "CPU SECONDS", "MEMORY", "DISK", "ID");
    List<Object> items = new ArrayList<>();
    for (ContainerStats one : stats) {
      String pod =
          Optional.ofNullable(byId.get(one.getAttributes().getId()))
              .map(targets::podName)
              .orElse("");
      Map<String, Object> facts = facts(one, pod);
      table.row(
          one.getAttributes().getMetadata().getName(),
          pod,
          decimal(number(one.getCpu().hasUsageNanoCores(), one.getCpu().getUsageNanoCores())),
          decimal(
              number(
                  one.getCpu().hasUsageCoreNanoSeconds(), one.getCpu().getUsageCoreNanoSeconds())),
          size(number(one.getMemory().hasWorkingSetBytes(), one.getMemory().getWorkingSetBytes())),
          size(
              number(one.getWritableLayer().hasUsedBytes(), one.getWritableLayer().getUsedBytes())),
          Shown.briefId(one.getAttributes().getId()));
      items.add(facts);
    }
    if (output.json()) {
      spec.commandLine().getOut().println(JsonText.of(Map.of("stats", items)));
    } else {
      table.print(spec.commandLine().getOut());
    }
  }

  private static Map<String, Object> facts(ContainerStats one, String pod) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("id", one.getAttributes().getId());
    facts.put("name", one.getAttributes().getMetadata().getName());
    facts.put("pod", pod);
    facts.put("at", Shown.time(one.getCpu().getTimestamp()));
    facts.put(
        "cpuNanoseconds",
        number(one.getCpu().hasUsageCoreNanoSeconds(), one.getCpu().getUsageCoreNanoSeconds()));
    facts.put(
        "nanoCores", number(one.getCpu().hasUsageNanoCores(), one.getCpu().getUsageNanoCores()));
    facts.put(
        "memoryWorkingSetBytes",
        number(one.getMemory().hasWorkingSetBytes(), one.getMemory().getWorkingSetBytes()));
    facts.put(
        "memoryUsageBytes",
        number(one.getMemory().hasUsageBytes(), one.getMemory().getUsageBytes()));
    facts.put(
        "memoryAvailableBytes",
        number(one.getMemory().hasAvailableBytes(), one.getMemory().getAvailableBytes()));
    facts.put(
        "writableLayerBytes",
        number(one.getWritableLayer().hasUsedBytes(), one.getWritableLayer().getUsedBytes()));
    return facts;
  }

  private static Optional<Long> number(boolean present, UInt64Value value) {
    return present ? Optional.of(value.getValue()) : Optional.empty();
  }

  private static String decimal(Optional<Long> billionths) {
    return billionths.map(n -> String.format(Locale.ROOT, "%.3f", n / 1e9)).orElse("-");
  }

  private static String size(Optional<Long> bytes) {
    return bytes.map(Shown::bytes).orElse("-");
  }
}
