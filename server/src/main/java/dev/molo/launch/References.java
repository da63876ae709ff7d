package dev.molo.launch;

import dev.molo.launch.LaunchPlan.FdRef;

/** Descriptors of a context as a plan names them. */
final class References {
  private References() {}

  static FdRef of(LaunchPlan.Builder plan, DescriptorRef descriptor) {
    return switch (descriptor) {
      case DescriptorRef.Sent(var fd) -> plan.fd(fd);
      case DescriptorRef.HeldForContainer(int key) -> FdRef.held(key);
      case DescriptorRef.HeldForPod(int key) -> FdRef.heldForPod(key);
    };
  }
}
