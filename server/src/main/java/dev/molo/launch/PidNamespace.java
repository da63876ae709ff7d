package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.linux.CloneFlags;
import dev.molo.spec.NamespaceMode;

/** Which processes a container sees (CRI NamespaceOption.pid). */
final class PidNamespace {
  private PidNamespace() {}

  /** Adds what the clone needs; every container has a mount namespace of its own. */
  static void apply(LaunchPlan.Builder plan, LaunchContext context) {
    NamespaceMode mode = context.container().security().namespaces().pid();
    long own = mode == NamespaceMode.CONTAINER ? CloneFlags.CLONE_NEWPID : 0;
    plan.cloneNamespaces(CloneFlags.CLONE_NEWNS | own);
    switch (mode) {
      case POD -> {
        requireShared(context.sandbox().security().namespaces().pid());
        plan.pidOfPod();
      }
      case TARGET ->
          plan.pidOf(
              context
                  .pidTarget()
                  .orElseThrow(() ->
                      FaultException.invalid(
                          "namespace_options.target_id: no such container in this pod"))
                  .value());
      case CONTAINER, NODE -> {}
    }
  }

  static void requireShared(NamespaceMode sandbox) {
    if (sandbox != NamespaceMode.POD) {
      throw FaultException.precondition(
          "namespace_options.pid is POD, but the sandbox was made with %s and has no shared pid"
              + " namespace",
          sandbox);
    }
  }
}
