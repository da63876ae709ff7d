package dev.molo.launch;

import dev.molo.linux.Fd;

/** How a plan names a descriptor: one that travels with it, or one that the supervisor holds. */
public sealed interface DescriptorRef {
  /**
   * Sent along with the plan.
   *
   * @param fd stays the caller's; open until the plan has been sent
   */
  record Sent(Fd fd) implements DescriptorRef {}

  /**
   * Held by the supervisor for this container since HOLD.
   *
   * @param key as given to HOLD
   */
  record HeldForContainer(int key) implements DescriptorRef {}

  /**
   * Held by the supervisor for the pod.
   *
   * @param key as given to HOLD, or made by SETUP
   */
  record HeldForPod(int key) implements DescriptorRef {}
}
