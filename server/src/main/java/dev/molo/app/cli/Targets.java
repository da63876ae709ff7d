package dev.molo.app.cli;

import dev.molo.cri.v1.Container;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ListContainersRequest;
import dev.molo.cri.v1.ListPodSandboxRequest;
import dev.molo.cri.v1.PodSandbox;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The pods and containers of a daemon at one moment, found by what people type: an id or its
 * beginning, a pod's name, NAMESPACE/NAME where a name is not enough, POD/CONTAINER.
 */
final class Targets {
  static final String HELP = "A container: POD/CONTAINER, a POD that has only one, or an id.";

  private final List<PodSandbox> pods;
  private final List<Container> containers;
  private final Map<String, PodSandbox> podById;

  Targets(List<PodSandbox> pods, List<Container> containers) {
    this.pods = pods;
    this.containers = containers;
    this.podById = pods.stream().collect(Collectors.toMap(PodSandbox::getId, Function.identity()));
  }

  static Targets of(CriClient client) {
    return new Targets(
        client.runtime().listPodSandbox(ListPodSandboxRequest.getDefaultInstance()).getItemsList(),
        client
            .runtime()
            .listContainers(ListContainersRequest.getDefaultInstance())
            .getContainersList());
  }

  List<PodSandbox> pods() {
    return pods;
  }

  List<Container> containers() {
    return containers;
  }

  /** The name of a container's pod; empty when the pod has gone meanwhile. */
  String podName(Container container) {
    PodSandbox pod = podById.get(container.getPodSandboxId());
    return pod == null ? "" : pod.getMetadata().getName();
  }

  /**
   * The pod that {@code text} names.
   *
   * @throws FaultException NOT_FOUND, or INVALID_ARGUMENT when it names several
   */
  PodSandbox pod(String text) {
    List<PodSandbox> named = latestAttempts(pods.stream().filter(p -> names(p, text)).toList());
    if (!named.isEmpty()) {
      return only(named, "pod", text, p -> fullName(p) + " " + Shown.briefId(p.getId()));
    }
    return only(
        pods.stream().filter(p -> isPrefix(text, p.getId())).toList(),
        "pod",
        text,
        PodSandbox::getId);
  }

  /**
   * The container that {@code text} names; of several attempts the running one, else the last.
   *
   * @throws FaultException NOT_FOUND, or INVALID_ARGUMENT when it names several
   */
  Container container(String text) {
    int slash = text.lastIndexOf('/');
    if (slash > 0) {
      String podText = text.substring(0, slash);
      String name = text.substring(slash + 1);
      if (pods.stream().anyMatch(p -> names(p, podText) || isPrefix(podText, p.getId()))) {
        List<Container> inPod =
            ofPod(pod(podText)).stream()
                .filter(c -> c.getMetadata().getName().equals(name))
                .toList();
        return best(inPod, text);
      }
    }
    List<Container> byId = containers.stream().filter(c -> isPrefix(text, c.getId())).toList();
    if (!byId.isEmpty()) {
      return only(byId, "container", text, Container::getId);
    }
    List<Container> inPod = ofPod(pod(text));
    long names = inPod.stream().map(c -> c.getMetadata().getName()).distinct().count();
    if (names > 1) {
      throw FaultException.invalid(
          "pod %s has several containers: %s",
          text,
          inPod.stream()
              .map(c -> text + "/" + c.getMetadata().getName())
              .distinct()
              .sorted()
              .collect(Collectors.joining(", ")));
    }
    return best(inPod, text);
  }

  private List<Container> ofPod(PodSandbox pod) {
    return containers.stream().filter(c -> c.getPodSandboxId().equals(pod.getId())).toList();
  }

  private static Container best(List<Container> candidates, String text) {
    return candidates.stream()
        .max(
            Comparator.comparing((Container c) -> c.getState() == ContainerState.CONTAINER_RUNNING)
                .thenComparingInt(c -> c.getMetadata().getAttempt()))
        .orElseThrow(() -> FaultException.notFound("no container %s", text));
  }

  private static List<PodSandbox> latestAttempts(List<PodSandbox> named) {
    Map<String, PodSandbox> latest =
        named.stream()
            .collect(
                Collectors.toMap(
                    p -> p.getMetadata().getUid(),
                    Function.identity(),
                    (a, b) -> a.getMetadata().getAttempt() > b.getMetadata().getAttempt() ? a : b));
    return List.copyOf(latest.values());
  }

  private static boolean names(PodSandbox pod, String text) {
    return pod.getMetadata().getName().equals(text) || fullName(pod).equals(text);
  }

  static String fullName(PodSandbox pod) {
    return pod.getMetadata().getNamespace() + "/" + pod.getMetadata().getName();
  }

  private static boolean isPrefix(String text, String id) {
    return !text.isEmpty() && id.startsWith(text);
  }

  private static <T> T only(List<T> found, String what, String text, Function<T, String> shown) {
    if (found.isEmpty()) {
      throw new FaultException(Fault.NOT_FOUND, "no %s %s".formatted(what, text));
    }
    if (found.size() > 1) {
      throw FaultException.invalid(
          "%s %s is ambiguous: %s",
          what, text, found.stream().map(shown).collect(Collectors.joining(", ")));
    }
    return found.getFirst();
  }
}
