package dev.molo.pod;

import dev.molo.cgroup.ContainerCgroup;
import dev.molo.fault.FaultException;
import dev.molo.launch.DescriptorRef;
import dev.molo.launch.Launch;
import dev.molo.launch.LaunchContext;
import dev.molo.linux.Fd;
import dev.molo.pod.Lane.Waiting;
import dev.molo.spec.ContainerId;
import dev.molo.spec.NamespaceMode;
import dev.molo.supervisor.PodSupervisor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** CRI StartContainer: from a held root to an exec'd program. */
final class StartContainer {
  private final Node node;

  StartContainer(Node node) {
    this.node = node;
  }

  void run(String id) {
    Container container = node.containers().get(id);
    Pod pod = container.pod();
    Optional<CompletableFuture<Void>> inFlight = pod.lane().call(container::beginStart);
    if (inFlight.isPresent()) {
      Waiting.uninterruptibly(inFlight.get());
      requireStarted(container);
      return;
    }
    String object = "container %s of pod %s".formatted(container.id().brief(), pod.id().brief());
    try (Verbs.Verb verb = node.verbs().begin("StartContainer", object)) {
      start(pod, container, verb);
    } catch (RuntimeException e) {
      failed(pod, container, e);
      throw e;
    }
  }

  private static void requireStarted(Container container) {
    if (container.state() instanceof ContainerState.Exited exited
        && exited.reason().equals("StartError")) {
      throw FaultException.precondition(
          "start container %s: the start that was in flight failed: %s",
          container.id(), exited.message());
    }
  }

  private void start(Pod pod, Container container, Verbs.Verb verb) {
    PodSupervisor supervisor = pod.readySupervisor();
    verb.step("make cgroup", "kernel");
    ContainerCgroup leaf =
        pod.cgroup()
            .orElseThrow(
                () -> FaultException.precondition("start in pod %s: it has no cgroup", pod.id()))
            .createContainer(container.id(), container.resources());
    pod.lane().run(() -> container.inCgroup(leaf));
    node.launches().deviceFilter(container.spec()).ifPresent(leaf::filterDevices);

    verb.step("open log", "log directory");
    Optional<Fd> log = node.logs().open(pod.spec(), container.spec());
    try {
      verb.step("compile plan", "host paths of mounts");
      try (Launch launch = node.launches().containerPlan(context(pod, container, leaf, log))) {
        pod.lane().run(container::beginLaunch);
        verb.step("start program", "supervisor");
        launch(pod, container, supervisor, leaf, launch);
      }
    } finally {
      log.ifPresent(Fd::close);
    }
    verb.step("answer");
  }

  private void launch(
      Pod pod, Container container, PodSupervisor supervisor, ContainerCgroup leaf, Launch launch) {
    try (PodSupervisor.Started started =
        supervisor.start(
            container.id(),
            launch.plan().operations(),
            launch.plan().descriptors(),
            node.settings().verbLimit())) {
      List<String> warnings = new ArrayList<>(leaf.warnings());
      warnings.addAll(launch.warnings());
      warnings.addAll(started.warnings());
      long startedAt = node.now();
      pod.lane().run(() -> container.becameRunning(started.pid(), startedAt, warnings));
    }
  }

  private LaunchContext context(
      Pod pod, Container container, ContainerCgroup leaf, Optional<Fd> log) {
    Optional<DescriptorRef> shm =
        pod.spec().security().namespaces().ipc() == NamespaceMode.NODE
            ? Optional.empty()
            : Optional.of(new DescriptorRef.HeldForPod(PodSupervisor.KEY_SHM));
    return new LaunchContext(
        pod.id(),
        container.id(),
        pod.spec(),
        container.currentSpec(),
        container.image(),
        pod.hostname(),
        container.user(),
        new DescriptorRef.HeldForContainer(PodSupervisor.KEY_ROOT),
        pod.files(),
        Map.of(),
        shm,
        leaf.directory(),
        log,
        pidTarget(pod, container));
  }

  /** The container whose pid namespace is joined; it must run, and in this pod. */
  private Optional<ContainerId> pidTarget(Pod pod, Container container) {
    var namespaces = container.spec().security().namespaces();
    if (namespaces.pid() != NamespaceMode.TARGET) {
      return Optional.empty();
    }
    String wanted = namespaces.targetId().orElse("");
    Container target = node.containers().get(wanted);
    if (target.pod() != pod || !(target.state() instanceof ContainerState.Running)) {
      throw FaultException.precondition(
          "start container %s: its pid target %s %s",
          container.id(),
          target.id(),
          target.pod() == pod ? "does not run" : "belongs to another pod");
    }
    return Optional.of(target.id());
  }

  /** It has ended before it lived; what was made for it goes. */
  private void failed(Pod pod, Container container, RuntimeException failure) {
    try {
      pod.lane().run(() -> container.becameStartError(node.now(), failure.getMessage()));
      pod.lane().run(container::leftCgroup);
      pod.cgroup().ifPresent(cgroup -> cgroup.removeContainer(container.id()));
    } catch (RuntimeException undo) {
      failure.addSuppressed(undo);
    }
  }
}
