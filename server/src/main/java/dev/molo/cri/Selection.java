package dev.molo.cri;

import dev.molo.cri.v1.ContainerFilter;
import dev.molo.cri.v1.ContainerStatsFilter;
import dev.molo.cri.v1.PodSandboxFilter;
import dev.molo.fault.FaultException;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.ContainerState;
import dev.molo.pod.SandboxSnapshot;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * What a filter lets through. All its conditions must hold; one that is not given holds for all. An
 * id may be given by its beginning as long as that means one object; a beginning of several is
 * INVALID_ARGUMENT.
 */
final class Selection {
  private Selection() {}

  static List<SandboxSnapshot> sandboxes(List<SandboxSnapshot> all, PodSandboxFilter filter) {
    Predicate<SandboxSnapshot> id =
        byId("filter.id", filter.getId(), all, sandbox -> sandbox.id().value());
    return all.stream()
        .filter(id)
        .filter(sandbox ->
            !filter.hasState()
                || SandboxMessages.state(sandbox.ready()) == filter.getState().getState())
        .filter(sandbox -> hasLabels(sandbox.spec().labels(), filter.getLabelSelectorMap()))
        .toList();
  }

  static List<ContainerSnapshot> containers(List<ContainerSnapshot> all, ContainerFilter filter) {
    return byIds(all, filter.getId(), filter.getPodSandboxId()).stream()
        .filter(container ->
            !filter.hasState()
                || ContainerMessages.state(container.state()) == filter.getState().getState())
        .filter(container -> hasLabels(container.spec().labels(), filter.getLabelSelectorMap()))
        .toList();
  }

  /** Running ones only: the others use nothing. */
  static List<ContainerSnapshot> running(List<ContainerSnapshot> all, ContainerStatsFilter filter) {
    return byIds(all, filter.getId(), filter.getPodSandboxId()).stream()
        .filter(container -> container.state() instanceof ContainerState.Running)
        .filter(container -> hasLabels(container.spec().labels(), filter.getLabelSelectorMap()))
        .toList();
  }

  private static List<ContainerSnapshot> byIds(
      List<ContainerSnapshot> all, String id, String sandboxId) {
    return all.stream()
        .filter(byId("filter.id", id, all, container -> container.id().value()))
        .filter(
            byId(
                "filter.pod_sandbox_id",
                sandboxId,
                all,
                container -> container.sandboxId().value()))
        .toList();
  }

  private static <T> Predicate<T> byId(
      String field, String prefix, List<T> all, Function<T, String> id) {
    if (prefix.isEmpty()) {
      return object -> true;
    }
    List<String> meant =
        all.stream().map(id).filter(whole -> whole.startsWith(prefix)).distinct().toList();
    if (meant.size() > 1) {
      throw FaultException.invalid(
          "%s %s is the beginning of %d ids", field, Shown.quoted(prefix), meant.size());
    }
    return object -> meant.contains(id.apply(object));
  }

  private static boolean hasLabels(Map<String, String> labels, Map<String, String> wanted) {
    return labels.entrySet().containsAll(wanted.entrySet());
  }
}
