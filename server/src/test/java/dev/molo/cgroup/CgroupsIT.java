package dev.molo.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.config.CgroupConfig.MissingControllers;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.Linux;
import dev.molo.linux.RealKernel;
import dev.molo.linux.RecordingLinux;
import dev.molo.spec.ContainerId;
import dev.molo.spec.Resources;
import dev.molo.spec.Resources.HugepageLimit;
import dev.molo.spec.SandboxId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Runs on whatever cgroup2 mount there is, with or without controllers. */
@ExtendWith(RealKernel.class)
class CgroupsIT {
  /** This process's own: all of the host is searched for it. */
  private static final String PREFIX = "moloit" + ProcessHandle.current().pid();

  private final Linux linux = RealKernel.linux();
  private final String root = "/molo-it-" + ProcessHandle.current().pid();
  private final Cgroups cgroups = cgroups(MissingControllers.REFUSE);

  @AfterEach
  void removeEverything() {
    for (Leftover leftover : cgroups.leftovers()) {
      cgroups.open(leftover.sandbox(), leftover.parent()).ifPresent(CgroupsIT::removeAndClose);
    }
    cgroups.removeEmptyRoot();
    assertThat(mount().resolve(root.substring(1))).doesNotExist();
  }

  @Test
  void aPodHasALeafForItsSupervisorAndOneForEachContainer() {
    ContainerId id = ContainerId.random();
    SandboxId sandbox = SandboxId.random();
    try (PodCgroup pod = cgroups.create(sandbox, "");
        ContainerCgroup container = pod.createContainer(id, Resources.NONE)) {
      Path directory = mount().resolve(root.substring(1)).resolve(PREFIX + "-" + sandbox);
      assertThat(pod.path()).isEqualTo(directory.toString());
      assertThat(directory.resolve("supervisor/cgroup.procs")).exists();
      assertThat(container.path()).isEqualTo(directory.resolve(id.value()).toString());
      assertThat(pod.leaves()).containsExactly(id.value());
      assertThat(pod.populated()).isFalse();
    }
  }

  @Test
  void makingAPodTwiceTakesTheFirstOver() {
    SandboxId sandbox = SandboxId.random();
    try (PodCgroup first = cgroups.create(sandbox, root + "/a/b");
        PodCgroup second = cgroups.create(sandbox, root + "/a/b")) {
      assertThat(second.path()).isEqualTo(first.path());
      assertThat(cgroups.leftovers()).containsExactly(new Leftover(sandbox, root + "/a/b", false));
      first.remove();
      second.remove();
    }
    assertThat(cgroups.open(sandbox, root + "/a/b")).isEmpty();
    removeParents("/a/b", "/a");
  }

  @Test
  void killEndsEveryProcessAndForkInIt() throws Exception {
    try (PodCgroup pod = cgroups.create(SandboxId.random(), "");
        ContainerCgroup container = pod.createContainer(ContainerId.random(), Resources.NONE)) {
      Process shell = enter(container.path(), "sleep 1000 & sleep 1000 & wait");
      assertThat(container.populated()).isTrue();
      assertThat(pod.populated()).isTrue();
      assertThat(pod.supervisorPopulated()).isFalse();

      container.kill();

      assertThat(shell.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(shell.exitValue()).isEqualTo(137);
      pod.removeContainer(container.id());
      assertThat(pod.populated()).isFalse();
      assertThat(Path.of(container.path())).doesNotExist();
    }
  }

  @Test
  void removalKillsWhatStillLivesAndTakesNestedCgroupsAlong() throws Exception {
    SandboxId sandbox = SandboxId.random();
    try (PodCgroup pod = cgroups.create(sandbox, "");
        ContainerCgroup container = pod.createContainer(ContainerId.random(), Resources.NONE)) {
      Path nested = Files.createDirectories(Path.of(container.path(), "own/below"));
      Process shell = enter(nested.toString(), "exec sleep 1000");

      pod.remove();

      assertThat(shell.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(Path.of(pod.path())).doesNotExist();
      pod.remove();
      assertThat(cgroups.open(sandbox, "")).isEmpty();
    }
  }

  @Test
  void anExecEndsWithoutItsContainer() throws Exception {
    try (PodCgroup pod = cgroups.create(SandboxId.random(), "");
        ContainerCgroup container = pod.createContainer(ContainerId.random(), Resources.NONE);
        ExecCgroup exec = container.exec("1")) {
      Process main = enter(container.path(), "exec sleep 1000");
      Process run = enter(container.path() + "/exec-1.mount", "sleep 1000 & exec sleep 1000");
      assertThat(exec.populated()).isTrue();
      assertThat(exec.removeIfEmpty()).isFalse();

      exec.remove();

      assertThat(run.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(main.isAlive()).isTrue();
      assertThat(exec.removeIfEmpty()).isTrue();
      container.kill();
      assertThat(main.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void execsThatNobodyLivesInAreSweptAway() {
    try (PodCgroup pod = cgroups.create(SandboxId.random(), "");
        ContainerCgroup container = pod.createContainer(ContainerId.random(), Resources.NONE)) {
      container.exec("1").close();
      container.exec("2").close();
      assertThat(container.removeEmptyExecs()).isEqualTo(2);
      assertThat(container.removeEmptyExecs()).isZero();
    }
  }

  @Test
  void aLimitWithoutItsControllerIsRefusedAndNothingIsLeft() {
    Set<String> missing = cgroups.missingControllers();
    if (!missing.contains("memory")) {
      System.out.println("SKIPPED aLimitWithoutItsController: this host has all controllers");
      return;
    }
    assertThatThrownBy(() -> cgroups.check(memory()))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("no memory controller");
    cgroups(MissingControllers.WARN).check(memory());
    cgroups.check(Resources.NONE);
    try (PodCgroup pod = cgroups.create(SandboxId.random(), "")) {
      assertThatThrownBy(() -> pod.createContainer(ContainerId.random(), memory()))
          .isInstanceOfSatisfying(
              FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.FAILED_PRECONDITION))
          .hasMessageContaining("memory_limit_in_bytes")
          .hasMessageContaining("no memory controller");
      assertThat(pod.leaves()).isEmpty();
    }
  }

  @Test
  void aLimitWithoutItsControllerIsAWarningWhereConfigured() {
    Cgroups lenient = cgroups(MissingControllers.WARN);
    if (!lenient.missingControllers().contains("memory")) {
      System.out.println("SKIPPED aLimitWithoutItsController: this host has all controllers");
      return;
    }
    try (PodCgroup pod = lenient.create(SandboxId.random(), "");
        ContainerCgroup container = pod.createContainer(ContainerId.random(), memory())) {
      assertThat(container.warnings())
          .singleElement()
          .asString()
          .contains("memory_limit_in_bytes cannot be applied");
      assertThat(container.update(memory())).hasSize(1);
    }
  }

  @Test
  void limitsOnHugePagesAreReadBack() throws IOException {
    Path sizes = Path.of("/sys/kernel/mm/hugepages/hugepages-2048kB");
    if (cgroups.missingControllers().contains("hugetlb") || !Files.exists(sizes)) {
      System.out.println("SKIPPED limitsOnHugePages: no hugetlb controller, or no pages of 2 MiB");
      return;
    }
    Resources four =
        new Resources(
            0, 0, 0, 0, 0, 0, "", "", List.of(new HugepageLimit("2MB", 4 << 20)), Map.of());
    try (PodCgroup pod = cgroups.create(SandboxId.random(), "");
        ContainerCgroup container = pod.createContainer(ContainerId.random(), four)) {
      Path leaf = Path.of(container.path());
      assertThat(leaf.resolve("hugetlb.2MB.max")).hasContent("4194304");
      assertThat(leaf.resolve("hugetlb.2MB.rsvd.max")).hasContent("4194304");
    }
  }

  @Test
  void whatTheKernelDoesNotCountIsAbsent() throws Exception {
    try (PodCgroup pod = cgroups.create(SandboxId.random(), "");
        ContainerCgroup container = pod.createContainer(ContainerId.random(), Resources.NONE)) {
      Process shell = enter(container.path(), "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
      assertThat(shell.waitFor(60, TimeUnit.SECONDS)).isTrue();
      Usage usage = container.usage();
      assertThat(usage.cpuNanos().orElseThrow()).isPositive();
      boolean memory = cgroups.mount().controllers().contains("memory");
      assertThat(usage.memoryCurrent().isPresent()).isEqualTo(memory);
      assertThat(usage.workingSet().isPresent()).isEqualTo(memory);
      assertThat(usage.pids().isPresent())
          .isEqualTo(cgroups.mount().controllers().contains("pids"));
      assertThat(container.oomKills()).isZero();
    }
  }

  @Test
  void aWrongMountPointIsSaid() {
    assertThatThrownBy(() -> CgroupMount.at(linux, "/proc"))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("no cgroup2 file system is mounted at /proc");
  }

  @Test
  void usageTakesAFewCallsIntoTheKernelWhateverElseThereIs() {
    RecordingLinux counted = RecordingLinux.over(linux);
    Cgroups watched = cgroups(counted, MissingControllers.REFUSE);
    try (PodCgroup pod = watched.create(SandboxId.random(), "")) {
      List<ContainerCgroup> containers =
          java.util.stream.IntStream.range(0, 200)
              .mapToObj(i -> pod.createContainer(ContainerId.random(), Resources.NONE))
              .toList();
      try {
        counted.forget();
        containers.forEach(ContainerCgroup::usage);
        // five files each, opened once before and read from their beginning
        assertThat(counted.calls()).hasSizeBetween(200, 200 * 15);
      } finally {
        containers.forEach(ContainerCgroup::close);
      }
    }
  }

  private static Resources memory() {
    return new Resources(0, 0, 0, 64 << 20, 0, 0, "", "", List.of(), Map.of());
  }

  private Cgroups cgroups(MissingControllers policy) {
    return cgroups(linux, policy);
  }

  private Cgroups cgroups(Linux kernel, MissingControllers policy) {
    return Cgroups.discover(
        kernel, new CgroupSettings(mount().toString(), PREFIX, root, policy, OptionalLong.empty()));
  }

  private static Path mount() {
    return RealKernel.cgroup2();
  }

  private void removeParents(String... names) {
    for (String name : names) {
      try {
        Files.delete(Path.of(mount() + root + name));
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }

  private static void removeAndClose(PodCgroup pod) {
    try (pod) {
      pod.remove();
    }
  }

  /** Starts a shell that moves itself first; returns when it has. */
  private static Process enter(String cgroup, String command) throws Exception {
    Process shell =
        new ProcessBuilder(
                "/bin/sh", "-c", "echo $$ > " + cgroup + "/cgroup.procs; echo in; " + command)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    assertThat(shell.inputReader().readLine()).isEqualTo("in");
    return shell;
  }
}
