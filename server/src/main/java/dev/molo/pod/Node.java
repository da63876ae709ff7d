package dev.molo.pod;

import dev.molo.cgroup.Cgroups;
import dev.molo.image.Images;
import dev.molo.launch.Launches;
import dev.molo.linux.Linux;
import dev.molo.network.PodNetworks;
import dev.molo.spec.SandboxId;
import dev.molo.spec.SandboxMetadata;
import dev.molo.state.PodStore;
import dev.molo.supervisor.ExitRecords;
import dev.molo.supervisor.Mounter;
import dev.molo.supervisor.Supervisors;
import java.util.concurrent.Executor;

/**
 * What the verbs share: the rooms below, the index of what exists, and the names that are taken.
 * Wired once by {@code app}; immutable, its parts are thread-safe.
 *
 * @param threads starts a virtual thread for each task
 * @param images where root file systems come from
 */
record Node(
    Linux linux,
    Supervisors supervisors,
    ExitRecords exits,
    Mounter mounter,
    Images images,
    PodNetworks networks,
    Cgroups cgroups,
    Launches launches,
    PodStore store,
    RequestCodec codec,
    Verbs verbs,
    LogFiles logs,
    Executor threads,
    PodSettings settings,
    ObjectIndex<Pod> pods,
    ObjectIndex<Container> containers,
    Reservations<SandboxMetadata, SandboxId> names) {

  /** For a verb of several steps. */
  UndoStack undoStack() {
    return new UndoStack(threads, settings.undoLimit());
  }

  /** Nanoseconds since the epoch. */
  long now() {
    return linux.system().realTimeNanos();
  }
}
