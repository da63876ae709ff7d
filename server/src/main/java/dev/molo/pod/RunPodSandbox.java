package dev.molo.pod;

import com.google.protobuf.ByteString;
import dev.molo.cgroup.PodCgroup;
import dev.molo.fault.FaultException;
import dev.molo.launch.LaunchPlan;
import dev.molo.launch.SetupPlan;
import dev.molo.linux.CloneFlags;
import dev.molo.linux.Fd;
import dev.molo.linux.SocketFlags;
import dev.molo.network.AttachRequest;
import dev.molo.network.PodNetwork;
import dev.molo.pod.Lane.Waiting;
import dev.molo.pod.Reservations.Claim;
import dev.molo.spec.SandboxId;
import dev.molo.spec.SandboxSpec;
import dev.molo.state.proto.PodRecord;
import dev.molo.supervisor.PodSupervisor;
import dev.molo.supervisor.SupervisorSpec;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** CRI RunPodSandbox: from nothing to a pod whose supervisor runs in its namespaces. */
final class RunPodSandbox {
  private static final Logger log = LoggerFactory.getLogger(RunPodSandbox.class);

  private final Node node;
  private final SupervisorEvents events;

  RunPodSandbox(Node node, SupervisorEvents events) {
    this.node = node;
    this.events = events;
  }

  SandboxId run(SandboxSpec spec, byte[] canonical) {
    SetupPlan setup = node.launches().setup(spec);
    Claim<SandboxId> claim =
        node.names()
            .claim(spec.metadata(), canonical, SandboxId::random, node.codec()::sandboxDifference);
    return switch (claim) {
      case Claim.Joiner<SandboxId>(SandboxId id, var outcome) -> {
        SandboxId made = Waiting.uninterruptibly(outcome);
        requireReady(made);
        yield made;
      }
      case Claim.Owner<SandboxId>(SandboxId id) -> make(id, spec, canonical, setup);
    };
  }

  /** A repeated request must not be told that a dead pod is the answer. */
  private void requireReady(SandboxId id) {
    Pod pod = node.pods().get(id.value());
    if (!pod.isReady()) {
      throw FaultException.precondition(
          "run pod sandbox %s: it exists as %s and is not ready (%s); remove it first",
          pod.spec().metadata(), id, pod.snapshot().notReadyReason());
    }
  }

  private SandboxId make(SandboxId id, SandboxSpec spec, byte[] canonical, SetupPlan setup) {
    boolean halfMade = false;
    Pod pod = newPod(id, spec, canonical, setup);
    try (Verbs.Verb verb = node.verbs().begin("RunPodSandbox", "pod " + spec.metadata())) {
      build(pod, setup, verb);
      node.names().complete(spec.metadata(), id);
      return id;
    } catch (RuntimeException e) {
      halfMade = leftovers(e);
      if (halfMade) {
        keepForRemoval(pod, e);
      }
      node.names().fail(spec.metadata(), id, e, halfMade);
      throw e;
    }
  }

  private Pod newPod(SandboxId id, SandboxSpec spec, byte[] canonical, SetupPlan setup) {
    PodRecord.Builder record =
        PodRecord.newBuilder()
            .setId(id.value())
            .setBootId(node.linux().system().bootId())
            .setCreatedAt(node.now())
            .setRequest(ByteString.copyFrom(canonical))
            .setHostname(Hostnames.of(spec, setup))
            .setPhase(PodRecord.Phase.INTENT);
    return new Pod(node, spec, record);
  }

  private static boolean leftovers(Throwable e) {
    for (Throwable suppressed : e.getSuppressed()) {
      if (suppressed instanceof UndoStack.UndoFailedException) {
        return true;
      }
    }
    return false;
  }

  /** Undoing failed: the pod stays visible, so that Stop and Remove can finish the work. */
  private void keepForRemoval(Pod pod, RuntimeException e) {
    log.warn("pod {} could not be undone; it is kept until it is removed", pod.id(), e);
    node.pods().add(pod.id().value(), pod);
    pod.lane()
        .run(() -> {
          // its folder may be among what was taken back
          pod.saveIntent();
          pod.becameStopped("half-made: " + e.getMessage());
        });
  }

  private void build(Pod pod, SetupPlan setup, Verbs.Verb verb) {
    try (UndoStack undo = node.undoStack()) {
      verb.step("write intent", "disk");
      undo.push("delete folder", () -> node.store().discard(pod.id()));
      pod.saveIntent();

      verb.step("make cgroup", "kernel");
      undo.push("remove cgroup", () -> removeCgroup(pod));
      PodCgroup cgroup = node.cgroups().create(pod.id(), pod.spec().cgroupParent());
      pod.has(cgroup);

      verb.step("spawn supervisor", "kernel");
      undo.push("remove run folder", () -> node.supervisors().removeRunDirectory(pod.id()));
      PodSupervisor supervisor =
          node.supervisors()
              .launch(
                  new SupervisorSpec(pod.id(), namespaces(setup), cgroup.supervisorLeaf()), events);
      pod.has(supervisor);
      undo.push("end supervisor", () -> supervisor.shutdown(node.settings().undoLimit()));

      verb.step("set up namespaces", "supervisor");
      setUp(pod, setup, supervisor, verb, undo);

      verb.step("write files", "disk");
      EtcFiles.write(pod.folder().resolve("etc"), pod.spec(), pod.hostname(), addresses(pod));

      verb.step("commit", "disk");
      node.pods().add(pod.id().value(), pod);
      undo.push("hide", () -> node.pods().remove(pod.id().value()));
      pod.becameReady();
      verb.step("answer");
      undo.commit();
    }
  }

  private void removeCgroup(Pod pod) {
    node.cgroups()
        .open(pod.id(), pod.spec().cgroupParent())
        .ifPresent(cgroup -> {
          try (cgroup) {
            cgroup.remove();
          }
        });
  }

  private static long namespaces(SetupPlan setup) {
    return (setup.ownNetwork() ? CloneFlags.CLONE_NEWNET : 0)
        | (setup.ownIpc() ? CloneFlags.CLONE_NEWIPC : 0)
        | (setup.ownUts() ? CloneFlags.CLONE_NEWUTS : 0);
  }

  private void setUp(
      Pod pod, SetupPlan setup, PodSupervisor supervisor, Verbs.Verb verb, UndoStack undo) {
    LaunchPlan.Builder plan = node.launches().setupOperations(setup);
    if (setup.ownIpc()) {
      plan.podShm(PodSupervisor.KEY_SHM, node.settings().shmBytes());
    }
    if (setup.ownNetwork()) {
      plan.namespaceFd(CloneFlags.CLONE_NEWNET).netlinkSocket(SocketFlags.NETLINK_ROUTE);
    }
    LaunchPlan ready = plan.build();
    PodSupervisor.SetUp done = supervisor.setup(ready.operations(), ready.descriptors());
    done.warnings().forEach(warning -> log.warn("pod {}: {}", pod.id().brief(), warning));
    try {
      if (setup.ownNetwork()) {
        verb.step("attach network", "kernel");
        attach(pod, done.fds(), undo);
      }
    } finally {
      done.fds().forEach(Fd::close);
    }
  }

  private void attach(Pod pod, List<Fd> namespaceAndNetlink, UndoStack undo) {
    PodNetwork network =
        node.networks()
            .attach(
                new AttachRequest(
                    pod.id(),
                    namespaceAndNetlink.get(0),
                    namespaceAndNetlink.get(1),
                    pod.hostname(),
                    pod.spec().portMappings()));
    undo.push("leave network", () -> node.networks().quiesce(network));
    pod.has(network);
  }

  private static List<String> addresses(Pod pod) {
    return pod.network().map(PodNetwork::ips).orElse(List.of());
  }
}
