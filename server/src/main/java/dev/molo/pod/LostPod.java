package dev.molo.pod;

import dev.molo.cgroup.PodCgroup;

/**
 * Ends a pod whose supervisor cannot be asked any more: kills its leaves, closes its containers'
 * books (by the exits that the supervisor still wrote, else as unseen), gives its network back.
 */
final class LostPod {
  private final Node node;

  LostPod(Node node) {
    this.node = node;
  }

  /** Returns when nothing of the pod runs any more. Off the lane. */
  void end(Pod pod, String why) {
    pod.cgroup().ifPresent(PodCgroup::kill);
    pod.network().ifPresent(network -> node.networks().quiesce(network));
    try {
      // nobody is told of an end while a process still ends
      pod.cgroup().ifPresent(PodCgroup::remove);
    } finally {
      pod.lane().run(() -> closeBooks(pod, why));
    }
    pod.lane().run(pod::leftCgroup);
    node.supervisors().removeRunDirectory(pod.id());
  }

  private void closeBooks(Pod pod, String why) {
    pod.containers().forEach(container -> close(pod, container, why));
    pod.leftNetwork();
    pod.becameStopped(why);
  }

  private void close(Pod pod, Container container, String why) {
    node.exits()
        .read(pod.id(), container.id())
        .ifPresentOrElse(
            container::becameExited,
            () -> {
              if (container.phase() == dev.molo.state.proto.ContainerRecord.Phase.CREATED) {
                container.becameLost(node.now(), "it was never started: " + why);
              } else {
                container.becameLost(node.now(), why);
              }
            });
    container.leftCgroup();
  }
}
