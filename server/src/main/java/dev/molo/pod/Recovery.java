package dev.molo.pod;

import dev.molo.cgroup.Leftover;
import dev.molo.cgroup.PodCgroup;
import dev.molo.fault.FaultException;
import dev.molo.image.ImageId;
import dev.molo.image.LayerLease;
import dev.molo.network.PodNetwork;
import dev.molo.pod.ContainerState.Exited;
import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.SandboxId;
import dev.molo.spec.SandboxSpec;
import dev.molo.state.PodStore.StoredPod;
import dev.molo.state.proto.ContainerRecord;
import dev.molo.state.proto.PodRecord;
import dev.molo.supervisor.ContainerFacts;
import dev.molo.supervisor.PodSupervisor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the world and the records agree again when the daemon comes back: finds the supervisors
 * that went on without it, learns what ended meanwhile, undoes what was half-made, closes the books
 * on what a reboot ended.
 *
 * <p>Runs once, before the first request is served; the pods' lanes are used all the same, because
 * supervisors talk as soon as they are found.
 */
final class Recovery {
  private static final Logger log = LoggerFactory.getLogger(Recovery.class);

  /** How long a start that was under way may take to end one way or the other. */
  private static final Duration START_LIMIT = Duration.ofSeconds(10);

  private final Node node;
  private final SupervisorEvents events;
  private final LostPod lostPod;
  private final String bootId;

  Recovery(Node node, SupervisorEvents events) {
    this.node = node;
    this.events = events;
    this.lostPod = new LostPod(node);
    this.bootId = node.linux().system().bootId();
  }

  void run() {
    List<Pod> found = new ArrayList<>();
    for (StoredPod stored : node.store().scan()) {
      restore(stored).ifPresent(found::add);
    }
    recoverNetworks(found);
    node.images().recovered();
    reportStrangers(found);
  }

  private Optional<Pod> restore(StoredPod stored) {
    SandboxId id = new SandboxId(stored.pod().getId());
    try {
      if (stored.pod().getPhase() == PodRecord.Phase.INTENT) {
        undo(stored.pod(), id);
        return Optional.empty();
      }
      return Optional.of(restorePod(stored));
    } catch (FaultException e) {
      node.store().setAside(id, e.getMessage());
      return Optional.empty();
    } catch (RuntimeException e) {
      log.error("recover pod {}: it is left as it is, and not shown", id, e);
      return Optional.empty();
    }
  }

  /** A sandbox that nobody was ever told of. Its link goes when the network is recovered. */
  private void undo(PodRecord record, SandboxId id) {
    log.info("pod {} was half-made when the daemon ended: it is undone", id);
    String parent = node.codec().sandbox(record.getRequest().toByteArray()).cgroupParent();
    node.cgroups()
        .open(id, parent)
        .ifPresent(cgroup -> {
          try (cgroup) {
            cgroup.remove();
          }
        });
    node.supervisors().removeRunDirectory(id);
    node.store().discard(id);
  }

  private Pod restorePod(StoredPod stored) {
    byte[] request = stored.pod().getRequest().toByteArray();
    SandboxSpec spec = node.codec().sandbox(request);
    Pod pod = new Pod(node, spec, stored.pod().toBuilder());
    if (!node.names().adopt(spec.metadata(), request, pod.id())) {
      log.warn("two pods are called {}; {} keeps no name", spec.metadata(), pod.id());
    }
    // known before its supervisor can talk, or an exit told meanwhile would find no pod
    node.pods().add(pod.id().value(), pod);
    boolean sameBoot = pod.bootId().equals(bootId);
    if (sameBoot) {
      node.cgroups().open(pod.id(), spec.cgroupParent()).ifPresent(pod::has);
    }
    for (ContainerRecord record : stored.containers()) {
      restoreContainer(pod, record, sameBoot);
    }
    if (pod.phase() == PodRecord.Phase.READY) {
      takeUp(pod, sameBoot);
    } else {
      finishStop(pod);
    }
    return pod;
  }

  private void restoreContainer(Pod pod, ContainerRecord record, boolean sameBoot) {
    ContainerId id = new ContainerId(record.getId());
    if (record.getPhase() == ContainerRecord.Phase.INTENT) {
      log.info("container {} was half-made when the daemon ended: it is undone", id);
      node.store().discard(pod.id(), id);
      return;
    }
    byte[] request = record.getRequest().toByteArray();
    ContainerSpec spec;
    try {
      spec = node.codec().container(request);
    } catch (FaultException e) {
      node.store().setAside(pod.id(), id, e.getMessage());
      return;
    }
    Container container =
        new Container(
            pod, spec, ImageDefaultsOf.of(record.getImage()), record.toBuilder(), layers(record));
    pod.names().adopt(spec.metadata(), request, id);
    pod.adopt(container);
    if (sameBoot) {
      pod.cgroup().flatMap(cgroup -> cgroup.openContainer(id)).ifPresent(container::inCgroup);
    }
    container.restore();
  }

  /** Layers that are gone are the image store's trouble to report; the container can be removed. */
  private Optional<LayerLease> layers(ContainerRecord record) {
    try {
      ImageId image = ImageId.parse(record.getImageId());
      return Optional.of(node.images().adopt(image, record.getId(), record.getLayersList()));
    } catch (FaultException e) {
      log.warn("layers of container {}: {}", record.getId(), e.getMessage());
      return Optional.empty();
    }
  }

  /** A pod that was ready: its supervisor lives and is asked, or all of it has ended. */
  private void takeUp(Pod pod, boolean sameBoot) {
    if (!sameBoot) {
      closeBooks(pod, "the machine was booted anew");
      return;
    }
    Optional<PodSupervisor> supervisor = node.supervisors().reconnect(pod.id(), events);
    if (supervisor.isEmpty()) {
      lostPod.end(pod, "its supervisor was gone when the daemon came back");
      return;
    }
    pod.has(supervisor.get());
    if (pod.networkRecord().length > 0) {
      pod.has(PodNetwork.decode(pod.networkRecord()));
    }
    pod.becameReady();
    Map<ContainerId, ContainerFacts> told = settled(supervisor.get());
    releaseStrangers(pod, supervisor.get(), told);
    pod.lane().run(() -> pod.containers().forEach(container -> agree(pod, container, told)));
  }

  /** What the supervisor says once no start is under way any more. */
  private static Map<ContainerId, ContainerFacts> settled(PodSupervisor supervisor) {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (true) {
      List<ContainerFacts> facts = supervisor.containers();
      boolean starting =
          facts.stream().anyMatch(fact -> fact.phase() == ContainerFacts.Phase.STARTING);
      if (!starting || System.nanoTime() > deadline) {
        return facts.stream()
            .collect(Collectors.toMap(ContainerFacts::container, Function.identity()));
      }
      pause();
    }
  }

  private static void pause() {
    try {
      Thread.sleep(Duration.ofMillis(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the daemon starts", e);
    }
  }

  /** A root that is held for a container whose making was undone. */
  private static void releaseStrangers(
      Pod pod, PodSupervisor supervisor, Map<ContainerId, ContainerFacts> told) {
    Set<ContainerId> known =
        pod.containers().stream().map(Container::id).collect(Collectors.toSet());
    for (ContainerFacts facts : told.values()) {
      if (!known.contains(facts.container()) && facts.phase() == ContainerFacts.Phase.HELD) {
        supervisor.release(facts.container());
      }
    }
  }

  /** On the lane: the record's state becomes the supervisor's. */
  private void agree(Pod pod, Container container, Map<ContainerId, ContainerFacts> told) {
    if (container.state() instanceof Exited) {
      return;
    }
    ContainerFacts facts = told.get(container.id());
    if (facts == null) {
      node.exits()
          .read(pod.id(), container.id())
          .ifPresentOrElse(
              container::becameExited,
              () -> container.becameLost(node.now(), "its supervisor does not know it"));
      return;
    }
    switch (facts.phase()) {
      case HELD -> container.becameCreatedAgain();
      case STARTING, RUNNING, ENDING ->
          container.becameRunning(facts.pid(), facts.startedAt(), List.of());
      case EXITED -> {
        container.becameExited(facts.exit().orElseThrow());
        container.leftCgroup();
        pod.cgroup().ifPresent(cgroup -> cgroup.removeContainer(container.id()));
      }
    }
  }

  private void closeBooks(Pod pod, String why) {
    pod.lane()
        .run(() -> {
          pod.containers().forEach(container -> container.becameLost(node.now(), why));
          pod.leftNetwork();
          pod.becameStopped(why);
        });
    node.supervisors().removeRunDirectory(pod.id());
  }

  /** A stop that had got as far as the record is brought to its end. */
  private void finishStop(Pod pod) {
    pod.cgroup().ifPresent(PodCgroup::remove);
    pod.lane()
        .run(() -> {
          pod.containers()
              .forEach(container -> container.becameLost(node.now(), "its pod was stopped"));
          pod.leftCgroup();
        });
    node.supervisors().removeRunDirectory(pod.id());
  }

  private void recoverNetworks(List<Pod> found) {
    List<PodNetwork> live =
        found.stream().filter(Pod::isReady).map(Pod::network).flatMap(Optional::stream).toList();
    for (SandboxId lost : node.networks().recover(live)) {
      log.warn("pod {} has lost its network while the daemon was away", lost);
    }
  }

  /** Pods that no record explains: never deleted while something lives in them. */
  private void reportStrangers(List<Pod> found) {
    Set<SandboxId> known = new HashSet<>();
    found.forEach(pod -> known.add(pod.id()));
    for (Leftover leftover : node.cgroups().leftovers()) {
      if (known.contains(leftover.sandbox())) {
        continue;
      }
      if (leftover.populated()) {
        known.add(leftover.sandbox());
        log.warn(
            "cgroup of pod {} below {} has processes and no record: it is left alone",
            leftover.sandbox(),
            leftover.parent());
      } else {
        node.cgroups()
            .open(leftover.sandbox(), leftover.parent())
            .ifPresent(cgroup -> {
              try (cgroup) {
                cgroup.remove();
              }
            });
      }
    }
    for (SandboxId id : node.supervisors().runDirectories()) {
      if (!known.contains(id)) {
        node.supervisors().removeRunDirectory(id);
      }
    }
  }
}
