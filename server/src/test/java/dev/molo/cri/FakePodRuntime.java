package dev.molo.cri;

import dev.molo.fault.FaultException;
import dev.molo.pod.CallerPresence;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.ContainerState;
import dev.molo.pod.ContainerUsage;
import dev.molo.pod.ExecOutcome;
import dev.molo.pod.PodRuntime;
import dev.molo.pod.RuntimeCondition;
import dev.molo.pod.SandboxSnapshot;
import dev.molo.pod.Unaccounted;
import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.Resources;
import dev.molo.spec.SandboxId;
import dev.molo.spec.SandboxSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A runtime that only remembers: pods and containers are entries of maps, verbs are noted in {@link
 * #verbs}, and {@link #during} runs inside every lifecycle verb for tests that need to be in the
 * middle of one.
 */
class FakePodRuntime implements PodRuntime {
  /** What {@link #execSync} does. */
  @FunctionalInterface
  interface Exec {
    ExecOutcome run(List<String> command, long timeoutSeconds, CallerPresence caller);
  }

  final Map<String, SandboxSnapshot> sandboxes = new ConcurrentHashMap<>();
  final Map<String, ContainerSnapshot> containers = new ConcurrentHashMap<>();
  final List<String> verbs = new CopyOnWriteArrayList<>();
  final List<byte[]> canonical = new CopyOnWriteArrayList<>();
  volatile Runnable during = () -> {};
  volatile Exec exec =
      (command, timeout, caller) ->
          new ExecOutcome(ByteBuffer.allocate(0), ByteBuffer.allocate(0), 0, 0, () -> {});

  private void verb(String what) {
    verbs.add(what);
    during.run();
  }

  @Override
  public SandboxId runPodSandbox(SandboxSpec spec, byte[] bytes) {
    verb("run " + spec.metadata().name());
    canonical.add(bytes);
    SandboxId id = SandboxId.random();
    sandboxes.put(
        id.value(),
        new SandboxSnapshot(
            id,
            spec,
            true,
            1_000,
            List.of("10.0.0.2", "fd00::2"),
            77,
            "",
            Map.of("netns", "4026")));
    return id;
  }

  @Override
  public void stopPodSandbox(String id) {
    verb("stopp " + id);
  }

  @Override
  public void removePodSandbox(String id) {
    verb("rmp " + id);
    sandboxes.remove(id);
  }

  @Override
  public SandboxSnapshot podSandboxStatus(String id) {
    return Optional.ofNullable(sandboxes.get(id))
        .orElseThrow(() -> FaultException.notFound("no sandbox %s", Shown.quoted(id)));
  }

  @Override
  public void pulse() {}

  @Override
  public Unaccounted unaccounted() {
    return new Unaccounted(1, 2, 3);
  }

  @Override
  public List<SandboxSnapshot> podSandboxes() {
    return new ArrayList<>(sandboxes.values());
  }

  @Override
  public ContainerId createContainer(String sandboxId, ContainerSpec spec, byte[] bytes) {
    verb("create " + spec.metadata().name());
    canonical.add(bytes);
    ContainerId id = ContainerId.random();
    containers.put(
        id.value(), container(id, new SandboxId(sandboxId), spec, new ContainerState.Created()));
    return id;
  }

  static ContainerSnapshot container(
      ContainerId id, SandboxId sandbox, ContainerSpec spec, ContainerState state) {
    return new ContainerSnapshot(
        id,
        sandbox,
        spec,
        state,
        2_000,
        "sha256:" + "ab".repeat(32),
        "localhost:5000/nginx@sha256:" + "cd".repeat(32),
        "/var/log/pods/p/c/0.log",
        "SIGQUIT",
        new ContainerSnapshot.User(101, 101, List.of(7L)),
        spec.resources(),
        Map.of("cgroup", "/molo/x"));
  }

  @Override
  public void startContainer(String id) {
    verb("start " + id);
    containers.computeIfPresent(
        id,
        (key, was) ->
            container(was.id(), was.sandboxId(), was.spec(), new ContainerState.Running(3_000, 4)));
  }

  @Override
  public void stopContainer(String id, long graceSeconds) {
    verb("stop " + id + " " + graceSeconds);
  }

  @Override
  public void removeContainer(String id) {
    verb("rm " + id);
    containers.remove(id);
  }

  @Override
  public ContainerSnapshot containerStatus(String id) {
    return Optional.ofNullable(containers.get(id))
        .orElseThrow(() -> FaultException.notFound("no container %s", Shown.quoted(id)));
  }

  @Override
  public List<ContainerSnapshot> containers() {
    return new ArrayList<>(containers.values());
  }

  @Override
  public ExecOutcome execSync(
      String id, List<String> command, long timeoutSeconds, CallerPresence call) {
    verbs.add("exec " + id + " " + timeoutSeconds);
    return exec.run(command, timeoutSeconds, call);
  }

  @Override
  public void updateContainerResources(String id, Resources resources) {
    verb("update " + id + " " + resources.memoryLimit());
  }

  @Override
  public void reopenContainerLog(String id) {
    verb("reopen " + id);
  }

  @Override
  public ContainerUsage containerUsage(String id) {
    return usage(containerStatus(id));
  }

  @Override
  public List<ContainerUsage> containerUsages(List<ContainerId> ids) {
    return ids.stream().map(id -> usage(containerStatus(id.value()))).toList();
  }

  static ContainerUsage usage(ContainerSnapshot container) {
    return new ContainerUsage(
        container,
        5_000,
        OptionalLong.of(11),
        OptionalLong.empty(),
        OptionalLong.of(13),
        OptionalLong.of(12),
        OptionalLong.empty(),
        OptionalLong.of(14),
        OptionalLong.of(15),
        OptionalLong.of(16),
        OptionalLong.empty(),
        OptionalLong.empty(),
        OptionalLong.of(1),
        OptionalLong.of(4096),
        OptionalLong.of(2),
        "/var/lib/molo/pods/x");
  }

  @Override
  public RuntimeCondition condition() {
    return new RuntimeCondition(
        true,
        "",
        "",
        false,
        "NoNat",
        "the kernel has no NAT",
        List.of(new RuntimeCondition.SlowStage("pod x", "RunPodSandbox", "network", 0, "netlink")));
  }

  @Override
  public Map<String, String> facts() {
    return Map.of("config", "{\"root\":\"/var/lib/molo\"}", "kernel", "6.18");
  }

  @Override
  public Optional<SandboxSnapshot> findSandbox(SandboxId id) {
    return Optional.ofNullable(sandboxes.get(id.value()));
  }
}
