package dev.molo.pod;

import dev.molo.cgroup.Cgroups;
import dev.molo.cgroup.Leftover;
import dev.molo.image.Images;
import dev.molo.launch.Launches;
import dev.molo.linux.Linux;
import dev.molo.network.NetworkStatus;
import dev.molo.network.PodNetworks;
import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.Resources;
import dev.molo.spec.SandboxId;
import dev.molo.spec.SandboxSpec;
import dev.molo.state.PodStore;
import dev.molo.supervisor.ExitRecords;
import dev.molo.supervisor.Mounter;
import dev.molo.supervisor.Supervisors;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * All pods of this daemon: hands each call to the class of its verb.
 *
 * <p>{@link #recover} runs once before anything else.
 */
public final class Pods implements PodRuntime, AutoCloseable {
  private final Node node;
  private final Recovery recovery;
  private final RunPodSandbox runPodSandbox;
  private final StopPodSandbox stopPodSandbox;
  private final RemovePodSandbox removePodSandbox;
  private final CreateContainer createContainer;
  private final StartContainer startContainer;
  private final StopContainer stopContainer;
  private final RemoveContainer removeContainer;
  private final ExecSync execSync;
  private final ExecCaptures captures;
  private final ReopenContainerLog reopenContainerLog;
  private final UpdateContainerResources updateContainerResources;
  private final UsageSampler usages;
  private final Lane pulse;
  private final Supplier<Map<String, String>> facts;

  /** The rooms below, as {@code app} has wired them. */
  public record Rooms(
      Linux linux,
      Supervisors supervisors,
      ExitRecords exits,
      Mounter mounter,
      Images images,
      PodNetworks networks,
      Cgroups cgroups,
      Launches launches,
      PodStore store) {}

  /**
   * Wires the verbs.
   *
   * @param threads starts a virtual thread for each task
   * @param facts for a verbose Status: JSON documents by name
   */
  public Pods(
      Rooms rooms,
      RequestCodec codec,
      Verbs verbs,
      Executor threads,
      PodSettings settings,
      Supplier<Map<String, String>> facts) {
    this.node =
        new Node(
            rooms.linux(),
            rooms.supervisors(),
            rooms.exits(),
            rooms.mounter(),
            rooms.images(),
            rooms.networks(),
            rooms.cgroups(),
            rooms.launches(),
            rooms.store(),
            codec,
            verbs,
            new LogFiles(rooms.linux()),
            threads,
            settings,
            new ObjectIndex<>("pod sandbox"),
            new ObjectIndex<>("container"),
            new Reservations<>("pod sandbox"));
    this.facts = facts;
    this.pulse = new Lane("heartbeat", threads);
    SupervisorEvents events = new SupervisorEvents(node);
    this.recovery = new Recovery(node, events);
    this.runPodSandbox = new RunPodSandbox(node, events);
    this.stopPodSandbox = new StopPodSandbox(node);
    this.removePodSandbox = new RemovePodSandbox(node, stopPodSandbox);
    this.createContainer = new CreateContainer(node);
    this.startContainer = new StartContainer(node);
    this.stopContainer = new StopContainer(node);
    this.removeContainer = new RemoveContainer(node, stopContainer);
    this.captures =
        new ExecCaptures(rooms.linux(), settings.execStreamBytes(), settings.execBudgetBytes());
    this.execSync = new ExecSync(node, events, captures);
    this.reopenContainerLog = new ReopenContainerLog(node);
    this.updateContainerResources = new UpdateContainerResources(node);
    this.usages = new UsageSampler(node, new WritableLayers(node));
  }

  /** Makes records and world agree; see {@link Recovery}. Blocks. */
  public void recover() {
    recovery.run();
  }

  @Override
  public SandboxId runPodSandbox(SandboxSpec spec, byte[] canonical) {
    return runPodSandbox.run(spec, canonical);
  }

  @Override
  public void stopPodSandbox(String id) {
    stopPodSandbox.run(id);
  }

  @Override
  public void removePodSandbox(String id) {
    removePodSandbox.run(id);
  }

  @Override
  public SandboxSnapshot podSandboxStatus(String id) {
    return node.pods().get(id).snapshot();
  }

  @Override
  public void pulse() {
    pulse.run(() -> {});
  }

  @Override
  public Unaccounted unaccounted() {
    // a pod that is being made has its folder before its cgroup
    long strangers =
        node.cgroups().leftovers().stream()
            .filter(Leftover::populated)
            .filter(leftover -> !Files.exists(node.store().folder(leftover.sandbox())))
            .count();
    return new Unaccounted(
        Math.toIntExact(strangers), node.store().quarantined(), node.store().undeleted());
  }

  @Override
  public List<SandboxSnapshot> podSandboxes() {
    return node.pods().all().stream().map(Pod::snapshot).toList();
  }

  @Override
  public ContainerId createContainer(String sandboxId, ContainerSpec spec, byte[] canonical) {
    return createContainer.run(sandboxId, spec, canonical);
  }

  @Override
  public void startContainer(String id) {
    startContainer.run(id);
  }

  @Override
  public void stopContainer(String id, long graceSeconds) {
    stopContainer.run(id, graceSeconds);
  }

  @Override
  public void removeContainer(String id) {
    removeContainer.run(id);
  }

  @Override
  public ContainerSnapshot containerStatus(String id) {
    return node.containers().get(id).snapshot();
  }

  @Override
  public List<ContainerSnapshot> containers() {
    return node.containers().all().stream().map(Container::snapshot).toList();
  }

  @Override
  public ExecOutcome execSync(
      String id, List<String> command, long timeoutSeconds, CallerPresence call) {
    return execSync.run(id, command, timeoutSeconds, call);
  }

  @Override
  public void updateContainerResources(String id, Resources resources) {
    updateContainerResources.run(id, resources);
  }

  @Override
  public void reopenContainerLog(String id) {
    reopenContainerLog.run(id);
  }

  @Override
  public ContainerUsage containerUsage(String id) {
    return usages.of(node.containers().get(id));
  }

  @Override
  public List<ContainerUsage> containerUsages(List<ContainerId> ids) {
    return usages.of(ids);
  }

  @Override
  public RuntimeCondition condition() {
    NetworkStatus network = node.networks().status();
    return new RuntimeCondition(
        true,
        "",
        "",
        network.ready(),
        network.reason(),
        network.message(),
        node.verbs().olderThan(node.settings().slowStage()));
  }

  @Override
  public Map<String, String> facts() {
    return facts.get();
  }

  @Override
  public Optional<SandboxSnapshot> findSandbox(SandboxId id) {
    return node.pods().exact(id.value()).map(Pod::snapshot);
  }

  /** Ends what belongs to this process; pods go on. */
  @Override
  public void close() {
    captures.close();
  }
}
