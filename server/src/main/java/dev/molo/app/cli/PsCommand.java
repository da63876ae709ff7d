package dev.molo.app.cli;

import dev.molo.cri.v1.Container;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.PodSandbox;
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
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists containers. */
@Command(
    name = "ps",
    header = "List containers.",
    description = {"", "Those that run, the newest first; with -a all.", ""})
final class PsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;

  @Option(
      names = {"-a", "--all"},
      description = "Created, exited and unknown ones too.")
  private boolean all;

  @Option(
      names = {"-q", "--quiet"},
      description = "Only whole ids.")
  private boolean quiet;

  @Parameters(arity = "0..1", paramLabel = "POD", description = "Only this pod's containers.")
  private String pod;

  @Override
  public Integer call() {
    try (CriClient client = connection.connect()) {
      Targets targets = Targets.of(client);
      Optional<PodSandbox> only = Optional.ofNullable(pod).map(targets::pod);
      List<Container> containers =
          targets.containers().stream()
              .filter(c -> all || c.getState() == ContainerState.CONTAINER_RUNNING)
              .filter(c -> only.isEmpty() || only.get().getId().equals(c.getPodSandboxId()))
              .sorted(Comparator.comparingLong(Container::getCreatedAt).reversed())
              .toList();
      if (quiet) {
        containers.forEach(c -> spec.commandLine().getOut().println(c.getId()));
      } else {
        show(targets, containers);
      }
    }
    return ExitCode.OK;
  }

  private void show(Targets targets, List<Container> containers) {
    Table table = new Table("CONTAINER", "POD", "STATE", "AGE", "ATTEMPT", "IMAGE", "ID");
    List<Object> items = new ArrayList<>();
    Instant now = Instant.now();
    for (Container container : containers) {
      table.row(
          container.getMetadata().getName(),
          targets.podName(container),
          Shown.state(container.getState()),
          Shown.age(container.getCreatedAt(), now),
          Integer.toUnsignedString(container.getMetadata().getAttempt()),
          image(container),
          Shown.briefId(container.getId()));
      items.add(facts(targets, container));
    }
    if (output.json()) {
      spec.commandLine().getOut().println(JsonText.of(Map.of("containers", items)));
    } else {
      table.print(spec.commandLine().getOut());
    }
  }

  private static String image(Container container) {
    String asked = container.getImage().getUserSpecifiedImage();
    return asked.isEmpty() ? container.getImage().getImage() : asked;
  }

  private static Map<String, Object> facts(Targets targets, Container container) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("id", container.getId());
    facts.put("name", container.getMetadata().getName());
    facts.put("attempt", Integer.toUnsignedLong(container.getMetadata().getAttempt()));
    facts.put("pod", targets.podName(container));
    facts.put("podId", container.getPodSandboxId());
    facts.put("state", Shown.state(container.getState()));
    facts.put("createdAt", Shown.time(container.getCreatedAt()));
    facts.put("image", image(container));
    facts.put("imageId", container.getImageId());
    facts.put("imageRef", container.getImageRef());
    facts.put("labels", container.getLabelsMap());
    facts.put("annotations", container.getAnnotationsMap());
    return facts;
  }
}
