package dev.molo.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.config.CgroupConfig.MissingControllers;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.RealKernel;
import dev.molo.spec.ContainerId;
import dev.molo.spec.Resources;
import dev.molo.spec.SandboxId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Every limit, written and read back. Needs a unified hierarchy with controllers: the guest has
 * one, a host with cgroup v1 does not.
 */
@ExtendWith(RealKernel.class)
class CgroupLimitsIT {
  private final String root = "/molo-limits-" + ProcessHandle.current().pid();
  private Cgroups cgroups;
  private PodCgroup pod;

  @BeforeEach
  void needControllers() {
    cgroups =
        Cgroups.discover(
            RealKernel.linux(),
            new CgroupSettings(
                RealKernel.cgroup2().toString(),
                "moloit" + ProcessHandle.current().pid(),
                root,
                MissingControllers.REFUSE,
                OptionalLong.of(1000)));
    Set<String> offered = cgroups.mount().controllers();
    if (!offered.containsAll(Set.of("cpu", "memory", "pids"))) {
      System.out.println(
          "SKIPPED CgroupLimitsIT: "
              + cgroups.mount().path()
              + " has no cpu, memory and pids controllers, only "
              + offered
              + "; run it in the guest");
    }
    Assumptions.assumeTrue(offered.containsAll(Set.of("cpu", "memory", "pids")));
    pod = cgroups.create(SandboxId.random(), "");
  }

  @AfterEach
  void removeEverything() {
    if (pod != null) {
      pod.remove();
      pod.close();
    }
    cgroups.removeEmptyRoot();
  }

  @Test
  void everyLimitIsReadBack() {
    Resources resources =
        new Resources(
            50_000,
            25_000,
            512,
            64 << 20,
            96 << 20,
            0,
            "",
            "",
            List.of(),
            Map.of("memory.high", "50331648", "memory.oom.group", "1", "pids.max", "77"));
    try (ContainerCgroup container = pod.createContainer(ContainerId.random(), resources)) {
      assertThat(container.warnings()).isEmpty();
      assertThat(file(container, "cpu.weight")).isEqualTo("59");
      assertThat(file(container, "cpu.max")).isEqualTo("25000 50000");
      assertThat(file(container, "memory.max")).isEqualTo("67108864");
      assertThat(file(container, "memory.high")).isEqualTo("50331648");
      assertThat(file(container, "memory.oom.group")).isEqualTo("1");
      assertThat(file(container, "pids.max")).isEqualTo("77");
      swapIsReadBack(container, "33554432");
    }
  }

  @Test
  void processorsAndMemoryNodesAreReadBack() {
    Assumptions.assumeTrue(
        cgroups.mount().controllers().contains("cpuset"),
        "SKIPPED: no cpuset controller in this cgroup v2 hierarchy");
    Resources first = new Resources(0, 0, 0, 0, 0, 0, "0", "0", List.of(), Map.of());
    try (ContainerCgroup container = pod.createContainer(ContainerId.random(), first)) {
      assertThat(file(container, "cpuset.cpus")).isEqualTo("0");
      assertThat(file(container, "cpuset.mems")).isEqualTo("0");
      String every = read(Path.of(pod.path(), "cpuset.cpus.effective"));
      container.update(new Resources(0, 0, 0, 0, 0, 0, every, "0", List.of(), Map.of()));
      assertThat(file(container, "cpuset.cpus")).isEqualTo(every);
    }
  }

  @Test
  void aMemoryLimitAloneMeansNoSwap() {
    try (ContainerCgroup container = pod.createContainer(ContainerId.random(), memory(64 << 20))) {
      assertThat(file(container, "pids.max")).isEqualTo("1000");
      swapIsReadBack(container, "0");
    }
  }

  @Test
  void anUpdateChangesWhatItNames() {
    Resources first = new Resources(0, 20_000, 1024, 64 << 20, 0, 0, "", "", List.of(), Map.of());
    try (ContainerCgroup container = pod.createContainer(ContainerId.random(), first)) {
      container.update(new Resources(0, -1, 0, 128 << 20, 0, 0, "", "", List.of(), Map.of()));
      assertThat(file(container, "cpu.max")).isEqualTo("max 100000");
      assertThat(file(container, "cpu.weight")).isEqualTo("100");
      assertThat(file(container, "memory.max")).isEqualTo("134217728");
      container.update(
          new Resources(
              0, 0, 2048, 128 << 20, 160 << 20, 0, "", "", List.of(), Map.of("pids.max", "66")));
      assertThat(file(container, "cpu.weight")).isEqualTo("174");
      assertThat(file(container, "pids.max")).isEqualTo("66");
      swapIsReadBack(container, "33554432");
    }
  }

  @Test
  void aValueThatTheKernelDoesNotTakeIsTheCallersFault() {
    Resources resources =
        new Resources(0, 0, 0, 0, 0, 0, "", "", List.of(), Map.of("memory.max", "lots"));
    assertThatThrownBy(() -> pod.createContainer(ContainerId.random(), resources))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT))
        .hasMessageContaining("unified[memory.max]");
    assertThat(pod.leaves()).isEmpty();
  }

  @Test
  void theParentAndThePodItselfAreNotLimited() {
    try (ContainerCgroup container = pod.createContainer(ContainerId.random(), memory(64 << 20))) {
      assertThat(container.warnings()).isEmpty();
      for (Path above : List.of(Path.of(pod.path()), Path.of(pod.path()).getParent())) {
        assertThat(read(above.resolve("memory.max"))).isEqualTo("max");
        assertThat(read(above.resolve("cpu.max"))).isEqualTo("max 100000");
        assertThat(read(above.resolve("pids.max"))).isEqualTo("max");
      }
    }
  }

  @Test
  void aProcessThatNeedsTooMuchIsKilledAndCounted() throws Exception {
    try (ContainerCgroup container = pod.createContainer(ContainerId.random(), memory(16 << 20))) {
      Process hungry = shell(container, "head -c 64m /dev/zero | tail -n 1 > /dev/null");
      assertThat(hungry.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(container.oomKills()).isPositive();
    }
  }

  @Test
  void memoryAndProcessesAreCounted() throws Exception {
    try (ContainerCgroup container = pod.createContainer(ContainerId.random(), memory(64 << 20))) {
      String fill = "x=$(head -c 4000000 /dev/zero | tr '\\0' x); sleep 1000 & echo full; wait";
      Process shell = shell(container, fill);
      assertThat(shell.inputReader().readLine()).isEqualTo("full");
      Usage usage = container.usage();
      assertThat(usage.memoryCurrent().orElseThrow()).isPositive();
      assertThat(usage.memoryMax()).hasValue(64 << 20);
      assertThat(usage.pids().orElseThrow()).isGreaterThanOrEqualTo(2);
      assertThat(usage.pageFaults().orElseThrow()).isPositive();
      assertThat(usage.anonymous()).isPresent();
      assertThat(usage.workingSet().orElseThrow())
          .isLessThanOrEqualTo(usage.memoryCurrent().orElseThrow());
      assertThat(pod.usage().memoryCurrent().orElseThrow()).isPositive();
      assertThat(pod.usage().memoryMax()).isEmpty();
      container.update(memory(96 << 20));
      assertThat(container.usage().memoryMax()).hasValue(96 << 20);
      container.kill();
      assertThat(shell.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static Resources memory(long limit) {
    return new Resources(0, 0, 0, limit, 0, 0, "", "", List.of(), Map.of());
  }

  private static void swapIsReadBack(ContainerCgroup container, String expected) {
    Path file = Path.of(container.path(), "memory.swap.max");
    if (Files.exists(file)) {
      assertThat(read(file)).isEqualTo(expected);
    } else {
      System.out.println("memory.swap.max: this kernel does not count swap");
    }
  }

  private static Process shell(ContainerCgroup container, String command) throws IOException {
    String enter = "echo $$ > " + container.path() + "/cgroup.procs; echo in; ";
    Process shell =
        new ProcessBuilder("/bin/sh", "-c", enter + command)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(shell.inputReader().readLine()).isEqualTo("in");
    return shell;
  }

  private static String file(ContainerCgroup container, String name) {
    return read(Path.of(container.path(), name));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file).trim();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
