package dev.molo.pod;

import dev.molo.fault.FaultException;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.LinuxException;
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
        handOver(container, log);
        verb.step("answer");
      } finally {
        log.ifPresent(Fd::close);
      }
    }
  }

  private static void handOver(Container container, Optional<Fd> log) {
    try {
      container.pod().readySupervisor().reopenLog(container.id(), log);
    } catch (LinuxException e) {
      if (e.errno() == Errno.ESRCH) {
        throw FaultException.precondition(
            "reopen the log of container %s: it has ended meanwhile", container.id());
      }
      throw e;
    }
  }
}
