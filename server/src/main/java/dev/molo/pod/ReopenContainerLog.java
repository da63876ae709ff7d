package dev.molo.pod;

import dev.molo.fault.FaultException;
import dev.molo.linux.Fd;
import java.util.Optional;

/** CRI ReopenContainerLog: after the kubelet has renamed the file, writing goes on in a new one. */
final class ReopenContainerLog {
  private final Node node;

  ReopenContainerLog(Node node) {
    this.node = node;
  }

  void run(String id) {
    Container container = node.containers().get(id);
    if (!(container.state() instanceof ContainerState.Running)) {
      throw FaultException.precondition(
          "reopen the log of container %s: it does not run", container.id());
    }
    try (Verbs.Verb verb =
        node.verbs().begin("ReopenContainerLog", "container " + container.id().brief())) {
      verb.step("open log", "log directory");
      Optional<Fd> log = node.logs().open(container.pod().spec(), container.spec());
      try {
        verb.step("hand over", "supervisor");
        container.pod().readySupervisor().reopenLog(container.id(), log);
        verb.step("answer");
      } finally {
        log.ifPresent(Fd::close);
      }
    }
  }
}
