package dev.molo.pod;

import dev.molo.cgroup.ContainerCgroup;
import dev.molo.fault.FaultException;
import dev.molo.spec.Resources;
import java.util.List;

/** CRI UpdateContainerResources: new limits for a container that is created or runs. */
final class UpdateContainerResources {
  private final Node node;

  UpdateContainerResources(Node node) {
    this.node = node;
  }

  void run(String id, Resources change) {
    Container container = node.containers().get(id);
    container.pod().lane().run(() -> update(container, change));
  }

  private static void update(Container container, Resources change) {
    if (!(container.state() instanceof ContainerState.Created
        || container.state() instanceof ContainerState.Running)) {
      throw FaultException.precondition(
          "update the resources of container %s: it neither runs nor waits to be started",
          container.id());
    }
    Resources merged = merge(container.resources(), change);
    List<String> warnings =
        container
            .cgroup()
            .map(leaf -> apply(leaf, container.resources(), merged))
            .orElse(List.of());
    container.becameLimited(merged, warnings);
  }

  /** All or nothing: what was in force is put back when one of the new limits is refused. */
  private static List<String> apply(ContainerCgroup leaf, Resources before, Resources merged) {
    try {
      List<String> warnings = leaf.update(merged);
      if (merged.oomScoreAdj() != before.oomScoreAdj()) {
        leaf.adjustOomScore(merged.oomScoreAdj());
      }
      return warnings;
    } catch (RuntimeException e) {
      try {
        var _ = leaf.update(before);
      } catch (RuntimeException undo) {
        e.addSuppressed(undo);
      }
      throw e;
    }
  }

  private static Resources merge(Resources old, Resources change) {
    return new Resources(
        or(change.cpuPeriod(), old.cpuPeriod()),
        or(change.cpuQuota(), old.cpuQuota()),
        or(change.cpuShares(), old.cpuShares()),
        or(change.memoryLimit(), old.memoryLimit()),
        or(change.memorySwapLimit(), old.memorySwapLimit()),
        or(change.oomScoreAdj(), old.oomScoreAdj()),
        or(change.cpusetCpus(), old.cpusetCpus()),
        or(change.cpusetMems(), old.cpusetMems()),
        change.hugepageLimits().isEmpty() ? old.hugepageLimits() : change.hugepageLimits(),
        change.unified().isEmpty() ? old.unified() : change.unified());
  }

  private static long or(long changed, long old) {
    return changed == 0 ? old : changed;
  }

  private static String or(String changed, String old) {
    return changed.isEmpty() ? old : changed;
  }
}
