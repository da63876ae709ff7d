package dev.molo.pod;

import dev.molo.cgroup.PodCgroup;
import dev.molo.fault.FaultException;
import dev.molo.launch.PodFiles;
import dev.molo.network.PodNetwork;
import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerMetadata;
import dev.molo.spec.SandboxId;
import dev.molo.spec.SandboxSpec;
import dev.molo.state.proto.PodRecord;
import dev.molo.supervisor.PodSupervisor;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One pod: its sandbox, its containers, its lane.
 *
 * <pre>
 *   intent ──▶ Ready ──stop, or the supervisor is lost, or a reboot──▶ NotReady ──remove──▶ (gone)
 *      └─ a step fails: everything is undone, nothing remains
 * </pre>
 *
 * <p>Transitions run on the lane only. Snapshots may be read from anywhere.
 */
final class Pod {
  private final Node node;
  private final SandboxId id;
  private final SandboxSpec spec;
  private final Lane lane;
  private final PodRecord.Builder record;
  private final Map<ContainerId, Container> containers = new ConcurrentHashMap<>();
  private final Reservations<ContainerMetadata, ContainerId> names =
      new Reservations<>("container");
  private volatile SandboxSnapshot snapshot;
  private volatile Optional<PodSupervisor> supervisor = Optional.empty();
  private volatile Optional<PodCgroup> cgroup = Optional.empty();
  private volatile Optional<PodNetwork> network = Optional.empty();
  private CompletableFuture<Void> stopping;

  /**
   * @param record phase INTENT or later; owned by this object from now on
   */
  Pod(Node node, SandboxSpec spec, PodRecord.Builder record) {
    this.node = node;
    this.id = new SandboxId(record.getId());
    this.spec = spec;
    this.record = record;
    this.lane = new Lane("pod " + id.brief(), node.threads());
    publish();
  }

  Node node() {
    return node;
  }

  SandboxId id() {
    return id;
  }

  SandboxSpec spec() {
    return spec;
  }

  /** What its uts namespace says. */
  String hostname() {
    return record.getHostname();
  }

  Lane lane() {
    return lane;
  }

  SandboxSnapshot snapshot() {
    return snapshot;
  }

  boolean isReady() {
    return snapshot.ready();
  }

  Collection<Container> containers() {
    return containers.values();
  }

  Reservations<ContainerMetadata, ContainerId> names() {
    return names;
  }

  Optional<PodSupervisor> supervisor() {
    return supervisor;
  }

  /** The supervisor of a ready pod. */
  PodSupervisor readySupervisor() {
    return supervisor.orElseThrow(() ->
        FaultException.precondition("reach the supervisor of pod sandbox %s: it has ended", id));
  }

  Optional<PodCgroup> cgroup() {
    return cgroup;
  }

  Optional<PodNetwork> network() {
    return network;
  }

  Path folder() {
    return node.store().folder(id);
  }

  PodFiles files() {
    return EtcFiles.in(folder().resolve("etc"));
  }

  PodRecord.Phase phase() {
    return record.getPhase();
  }

  String bootId() {
    return record.getBootId();
  }

  byte[] networkRecord() {
    return record.getNetwork().toByteArray();
  }

  // ---- what RunPodSandbox and recovery fill in; nobody else has the pod yet ----

  void has(PodCgroup made) {
    cgroup = Optional.of(made);
    record.setCgroup(made.path());
  }

  void has(PodSupervisor started) {
    supervisor = Optional.of(started);
    record.setSupervisorPid(started.pid());
  }

  void has(PodNetwork attached) {
    network = Optional.of(attached);
    record
        .setNetwork(com.google.protobuf.ByteString.copyFrom(attached.encode()))
        .clearAddresses()
        .addAllAddresses(attached.ips());
  }

  void saveIntent() {
    record.setPhase(PodRecord.Phase.INTENT);
    node.store().create(record.build());
  }

  void becameReady() {
    record.setPhase(PodRecord.Phase.READY);
    save();
    publish();
  }

  // ---- transitions, on the lane ----

  /** A container joins; refused once the pod is stopping. */
  void add(Container container) {
    if (!isReady() || stopping != null) {
      throw FaultException.precondition(
          "create a container in pod sandbox %s: it is not ready%s",
          id, stopping == null ? "" : ", it is being stopped");
    }
    adopt(container);
  }

  /** A container found on disk joins, whatever the pod's state. */
  void adopt(Container container) {
    containers.put(container.id(), container);
    node.containers().add(container.id().value(), container);
  }

  void forget(Container container) {
    containers.remove(container.id());
    node.containers().remove(container.id().value());
    names.release(container.spec().metadata(), container.id());
  }

  /**
   * From Ready towards NotReady.
   *
   * @return empty for the caller who does the work; else the stop in flight or done, to wait for
   */
  Optional<CompletableFuture<Void>> beginStop() {
    if (stopping != null && !stopping.isCompletedExceptionally()) {
      return Optional.of(stopping);
    }
    stopping = new CompletableFuture<>();
    return Optional.empty();
  }

  /** Whether a stop is under way or done. */
  boolean isStopping() {
    return stopping != null;
  }

  void endStop(Optional<RuntimeException> failure) {
    failure.ifPresentOrElse(stopping::completeExceptionally, () -> stopping.complete(null));
  }

  /** Its supervisor has ended: nothing runs any more. */
  void becameStopped(String reason) {
    record.setPhase(PodRecord.Phase.STOPPED).setNotReadyReason(reason).clearAddresses();
    supervisor.ifPresent(PodSupervisor::close);
    supervisor = Optional.empty();
    try {
      save();
    } finally {
      publish();
    }
  }

  /** Its address was given back. */
  void leftNetwork() {
    network = Optional.empty();
    record.clearNetwork();
  }

  void leftCgroup() {
    cgroup.ifPresent(PodCgroup::close);
    cgroup = Optional.empty();
  }

  private void save() {
    node.store().write(record.build());
  }

  private void publish() {
    boolean ready = record.getPhase() == PodRecord.Phase.READY;
    snapshot =
        new SandboxSnapshot(
            id,
            spec,
            ready,
            record.getCreatedAt(),
            List.copyOf(record.getAddressesList()),
            ready ? record.getSupervisorPid() : 0,
            record.getNotReadyReason(),
            facts());
  }

  private Map<String, String> facts() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("hostname", hostname());
    facts.put("cgroup", record.getCgroup());
    facts.put("folder", folder().toString());
    network.ifPresent(attached -> facts.put("hostLink", attached.hostLink()));
    return facts;
  }
}
