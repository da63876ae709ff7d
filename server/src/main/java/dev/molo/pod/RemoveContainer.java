package dev.molo.pod;

/** CRI RemoveContainer: kills what runs, then forgets the container and deletes its files. */
final class RemoveContainer {
  private final Node node;
  private final StopContainer stop;

  RemoveContainer(Node node, StopContainer stop) {
    this.node = node;
    this.stop = stop;
  }

  void run(String id) {
    node.containers().find(id).ifPresent(this::remove);
  }

  private void remove(Container container) {
    stop.stop(container, 0);
    Pod pod = container.pod();
    String object = "container " + container.id().brief();
    try (Verbs.Verb verb = node.verbs().begin("RemoveContainer", object)) {
      verb.step("release root", "supervisor");
      pod.supervisor()
          .filter(dev.molo.supervisor.PodSupervisor::connected)
          .ifPresent(supervisor -> supervisor.release(container.id()));
      verb.step("remove cgroup", "kernel");
      pod.cgroup().ifPresent(cgroup -> cgroup.removeContainer(container.id()));
      verb.step("delete folder", "disk");
      node.store().discard(pod.id(), container.id());
      verb.step("forget");
      pod.lane()
          .run(() -> {
            container.leftCgroup();
            container.releaseLayers();
            pod.forget(container);
          });
      verb.step("answer");
    }
  }
}
