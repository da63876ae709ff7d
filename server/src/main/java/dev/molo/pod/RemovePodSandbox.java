package dev.molo.pod;

/** CRI RemovePodSandbox: stops what runs, then forgets the pod, its containers and their files. */
final class RemovePodSandbox {
  private final Node node;
  private final StopPodSandbox stop;

  RemovePodSandbox(Node node, StopPodSandbox stop) {
    this.node = node;
    this.stop = stop;
  }

  void run(String id) {
    node.pods().find(id).ifPresent(this::remove);
  }

  private void remove(Pod pod) {
    stop.stop(pod);
    try (Verbs.Verb verb = node.verbs().begin("RemovePodSandbox", "pod " + pod.id().brief())) {
      verb.step("delete folder", "disk");
      // the record goes with the folder, by one rename: a crash finds the pod whole or not at all
      node.store().discard(pod.id());
      verb.step("forget");
      pod.lane().run(() -> forget(pod));
      verb.step("answer");
    }
  }

  private void forget(Pod pod) {
    for (Container container : pod.containers()) {
      container.releaseLayers();
      pod.forget(container);
    }
    node.pods().remove(pod.id().value());
    node.names().release(pod.spec().metadata(), pod.id());
  }
}
