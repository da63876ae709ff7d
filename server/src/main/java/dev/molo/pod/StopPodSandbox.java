package dev.molo.pod;

import dev.molo.cgroup.PodCgroup;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.pod.Lane.Waiting;
import dev.molo.supervisor.PodSupervisor;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** CRI StopPodSandbox: silences the network, ends every process, keeps the records. */
final class StopPodSandbox {
  private final Node node;

  StopPodSandbox(Node node) {
    this.node = node;
  }

  void run(String id) {
    node.pods().find(id).ifPresent(this::stop);
  }

  /** Returns when nothing of the pod runs any more; joins a stop in flight. */
  void stop(Pod pod) {
    Optional<CompletableFuture<Void>> inFlight = pod.lane().call(pod::beginStop);
    if (inFlight.isPresent()) {
      Waiting.uninterruptibly(inFlight.get());
      return;
    }
    try (Verbs.Verb verb = node.verbs().begin("StopPodSandbox", "pod " + pod.id().brief())) {
      end(pod, verb);
      pod.lane().run(() -> pod.endStop(Optional.empty()));
    } catch (RuntimeException e) {
      pod.lane().run(() -> pod.endStop(Optional.of(e)));
      throw e;
    }
  }

  private void end(Pod pod, Verbs.Verb verb) {
    verb.step("leave network", "kernel");
    pod.network().ifPresent(network -> node.networks().quiesce(network));

    verb.step("end supervisor", "supervisor");
    pod.supervisor().ifPresent(this::shutdown);

    verb.step("close books", "disk");
    pod.lane().run(() -> closeBooks(pod));

    verb.step("remove cgroup", "kernel");
    pod.cgroup().ifPresent(PodCgroup::remove);
    pod.lane().run(pod::leftCgroup);

    verb.step("remove run folder", "disk");
    node.supervisors().removeRunDirectory(pod.id());
    verb.step("answer");
  }

  /** Kills every leaf and waits for the ends; a supervisor that is gone already has done so. */
  private void shutdown(PodSupervisor supervisor) {
    try {
      if (supervisor.connected()) {
        supervisor.shutdown(node.settings().verbLimit());
      }
    } catch (FaultException e) {
      if (e.kind() != Fault.UNAVAILABLE) {
        throw e;
      }
      // it ended while it was asked
    }
  }

  /** Ends that were told but not yet dealt with come first: they are on the lane before us. */
  private void closeBooks(Pod pod) {
    for (Container container : pod.containers()) {
      if (!(container.state() instanceof ContainerState.Exited)) {
        node.exits()
            .read(pod.id(), container.id())
            .ifPresentOrElse(
                container::becameExited,
                () -> container.becameLost(node.now(), "its pod sandbox was stopped"));
      }
      container.leftCgroup();
    }
    pod.leftNetwork();
    pod.becameStopped("stopped");
  }
}
