package dev.molo.network;

import dev.molo.fault.FaultException;
import dev.molo.spec.SandboxId;
import java.util.Collection;
import java.util.List;

/**
 * Gives pods a network of their own and takes it back.
 *
 * <p>Order of calls: {@link #recover} once, before the first {@link #attach}; {@link #close} last.
 * Every method blocks its caller (a virtual thread may call: the kernel work runs on one platform
 * thread of the implementation, which is the single owner of the pool and of the netlink sockets).
 * Thread-safe. Nothing here ever changes the namespace of a thread of this process.
 *
 * <p>Failures: {@link FaultException} for what a caller can act on, {@link
 * dev.molo.linux.LinuxException} for what the kernel refused.
 */
public interface PodNetworks extends AutoCloseable {

  /**
   * Makes the host ready (bridge, gateway addresses, forwarding, masquerade), takes the addresses
   * of the pods that live, and removes what an earlier daemon of this instance left half-made.
   *
   * <p>Pods keep their addresses. A host that cannot have a bridge is not an error here: {@link
   * #status} says so and {@link #attach} refuses. May be called again to retry; then {@code live}
   * must again hold all living pods.
   *
   * @param live the networks, from their records, of all pods whose supervisor lives and that were
   *     not quiesced
   * @return the sandboxes whose link no longer exists: their pods have lost their network
   */
  List<SandboxId> recover(Collection<PodNetwork> live);

  /**
   * Puts an interface with addresses and a default route into a pod's network namespace.
   *
   * <p>All or nothing: on failure no link is left and the address is free. Calling it again for a
   * sandbox that is attached answers FAILED_PRECONDITION. The loopback interface is the
   * supervisor's task. Both descriptors stay the caller's, and must be closed by it at once
   * afterwards: an open one keeps the namespace, hence link and address, alive.
   *
   * @throws FaultException UNAVAILABLE while the network is not ready, with its reason;
   *     RESOURCE_EXHAUSTED naming the pool when no address is left; UNIMPLEMENTED for a host port;
   *     FAILED_PRECONDITION when the sandbox is attached already
   */
  PodNetwork attach(AttachRequest request);

  /**
   * Silences a pod: its host end goes down and off the bridge, so its addresses answer no more when
   * this returns (0.1 ms). The kernel removes the link with the namespace, once its last process
   * and descriptor are gone; only then, and after a quarantine, its address is given out again. A
   * namespace that somebody keeps longer than half a minute loses its link all the same, in the
   * background. Idempotent; a network whose link is gone is success.
   */
  void quiesce(PodNetwork network);

  /** Whether pods can be attached now, and what an operator should know. Cheap: a snapshot. */
  NetworkStatus status();

  /**
   * Removes the bridge and the packet filter table of this instance, and puts back the sysctls that
   * it changed unless another instance lives here; for the end of an instance's life, not of a
   * daemon's. Links of stopped pods that the kernel has not reaped yet are removed too. Afterwards
   * {@link #status} is not ready until {@link #recover} is called.
   *
   * @throws FaultException FAILED_PRECONDITION while pods are attached, naming some
   */
  void removeAll();

  /** Ends the threads and closes the sockets; links, bridge and rules stay. */
  @Override
  void close();
}
