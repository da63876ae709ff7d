package dev.molo.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.cgroup.Limits.Setting;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.spec.Resources;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LimitsTest {
  @Test
  void aBurstablePodOfTheKubelet() {
    Resources resources =
        new Resources(
            100_000,
            50_000,
            256,
            64 << 20,
            0,
            999,
            "0-1",
            "0",
            List.of(),
            Map.of("memory.oom.group", "1"));
    assertThat(written(resources))
        .containsExactly(
            Map.entry("cpu.weight", "35"),
            Map.entry("cpu.max", "50000 100000"),
            Map.entry("memory.max", "67108864"),
            Map.entry("memory.swap.max", "0"),
            Map.entry("cpuset.cpus", "0-1"),
            Map.entry("cpuset.mems", "0"),
            Map.entry("memory.oom.group", "1"));
  }

  @Test
  void nothingAskedIsNothingWritten() {
    assertThat(written(Resources.NONE)).isEmpty();
  }

  @Test
  void aPeriodAloneIsNoLimit() {
    assertThat(written(cpu(100_000, 0, 0))).isEmpty();
  }

  @Test
  void anUnlimitedQuotaNeedsNoController() {
    assertThat(Limits.of(cpu(0, -1, 0), OptionalLong.empty()))
        .containsExactly(new Setting("cpu.max", "max 100000", "cpu_quota", false));
  }

  @Test
  void defaultSharesNeedNoController() {
    assertThat(Limits.of(cpu(0, 0, 1024), OptionalLong.empty()))
        .containsExactly(new Setting("cpu.weight", "100", "cpu_shares", false));
  }

  @Test
  void swapIsWhatRemainsAboveMemory() {
    assertThat(written(memory(100, 150))).containsEntry("memory.swap.max", "50");
    assertThat(written(memory(100, 100))).containsEntry("memory.swap.max", "0");
    assertThat(written(memory(100, -1))).containsEntry("memory.swap.max", "max");
  }

  @Test
  void theUnifiedMapHasTheLastWord() {
    Resources resources =
        new Resources(
            0,
            0,
            0,
            100,
            0,
            0,
            "",
            "",
            List.of(),
            Map.of("memory.max", "200", "io.max", "8:0 rbps=1\n8:16 wbps=2"));
    assertThat(written(resources))
        .containsEntry("memory.max", "200")
        .containsEntry("io.max", "8:0 rbps=1\n8:16 wbps=2");
  }

  @Test
  void hugePagesAreLimitedWhenUsedAndWhenReserved() {
    Resources resources =
        new Resources(
            0,
            0,
            0,
            0,
            0,
            0,
            "",
            "",
            List.of(new Resources.HugepageLimit("2MB", 4 << 20)),
            Map.of());
    assertThat(written(resources))
        .containsEntry("hugetlb.2MB.max", "4194304")
        .containsEntry("hugetlb.2MB.rsvd.max", "4194304");
  }

  @Test
  void aConfiguredLimitOfProcessesComesFirstAndTheRequestWins() {
    Resources resources =
        new Resources(0, 0, 0, 0, 0, 0, "", "", List.of(), Map.of("pids.max", "7"));
    assertThat(Limits.of(resources, OptionalLong.of(100)))
        .extracting(Setting::file, Setting::value)
        .containsExactly(org.assertj.core.api.Assertions.tuple("pids.max", "7"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cgroup.procs",
        "cgroup.kill",
        "cgroup.subtree_control",
        "../memory.max",
        "memory/max",
        "memory.max\n",
        "",
        "notify_on_release",
        "memory",
        "memory..max"
      })
  void filesThatAreNoLimitsAreRefused(String file) {
    Resources resources = new Resources(0, 0, 0, 0, 0, 0, "", "", List.of(), Map.of(file, "1"));
    assertRefused(resources, "unified");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1\0", "1\r", "\u00e9"})
  void valuesWithControlCharactersAreRefused(String value) {
    Resources resources =
        new Resources(0, 0, 0, 0, 0, 0, "", "", List.of(), Map.of("memory.high", value));
    assertRefused(resources, "unified[memory.high]");
  }

  @Test
  void numbersThatTheKernelWouldNotTakeAreRefusedByName() {
    assertRefused(cpu(999, 5_000, 0), "cpu_period");
    assertRefused(cpu(1_000_001, 5_000, 0), "cpu_period");
    assertRefused(cpu(0, 999, 0), "cpu_quota");
    assertRefused(cpu(0, 0, -1), "cpu_shares");
    assertRefused(memory(-2, 0), "memory_limit_in_bytes");
    assertRefused(memory(0, 100), "memory_swap_limit_in_bytes");
    assertRefused(memory(100, 99), "memory_swap_limit_in_bytes");
    assertRefused(new Resources(0, 0, 0, 0, 0, 0, "0-1;2", "", List.of(), Map.of()), "cpuset_cpus");
    assertRefused(
        new Resources(
            0, 0, 0, 0, 0, 0, "", "", List.of(new Resources.HugepageLimit("../x", 1)), Map.of()),
        "hugepage_limits");
  }

  private static void assertRefused(Resources resources, String field) {
    assertThatThrownBy(() -> Limits.of(resources, OptionalLong.empty()))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT))
        .hasMessageStartingWith("linux.resources." + field);
  }

  private static Resources cpu(long period, long quota, long shares) {
    return new Resources(period, quota, shares, 0, 0, 0, "", "", List.of(), Map.of());
  }

  private static Resources memory(long limit, long both) {
    return new Resources(0, 0, 0, limit, both, 0, "", "", List.of(), Map.of());
  }

  private static Map<String, String> written(Resources resources) {
    Map<String, String> files = new LinkedHashMap<>();
    Limits.of(resources, OptionalLong.empty())
        .forEach(setting -> files.put(setting.file(), setting.value()));
    return files;
  }
}
