package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.Program;
import dev.molo.linux.Fd;
import dev.molo.linux.FileMode;
import dev.molo.linux.Linux;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The kernel's verifier takes the program, and the kernel obeys it. */
@ExtendWith(RealKernel.class)
class DeviceFilterIT {
  private final Linux linux = RealKernel.linux();
  private final Path cgroup =
      RealKernel.cgroup2().resolve("molo-devices-" + ProcessHandle.current().pid());

  @TempDir private Path folder;

  @BeforeEach
  void makeCgroup() throws IOException {
    Files.createDirectory(cgroup);
  }

  @AfterEach
  void removeCgroup() throws IOException {
    Files.delete(cgroup);
  }

  @Test
  void standardDevicesOpenAndOthersDoNot() throws Exception {
    guard(Devices.standard());
    assertThat(runs("head -c 1 /dev/zero > /dev/null")).isTrue();
    assertThat(runs("head -c 1 /dev/urandom > /dev/null")).isTrue();
    assertThat(runs("mknod " + folder + "/mem c 1 1")).isTrue();
    assertThat(runs("head -c 1 " + folder + "/mem > /dev/null")).isFalse();
    assertThat(runs("mknod " + folder + "/kmsg c 1 11")).isTrue();
    assertThat(runs(": < " + folder + "/kmsg")).isFalse();
  }

  @Test
  void aDeviceMayBeGivenForReadingOnly() throws Exception {
    List<DeviceNode> nodes = new ArrayList<>(Devices.standard());
    nodes.add(new DeviceNode("/dev/kmsg", FileMode.S_IFCHR | 0600, 1, 11, 0, 0, "r"));
    guard(nodes);
    assertThat(runs("mknod " + folder + "/kmsg c 1 11")).isTrue();
    assertThat(runs(": < " + folder + "/kmsg")).isTrue();
    assertThat(runs(": > " + folder + "/kmsg")).isFalse();
  }

  @Test
  void whatIsBelowTheCgroupIsGuardedToo() throws Exception {
    guard(Devices.standard());
    Path exec = Files.createDirectory(cgroup.resolve("exec-1"));
    try {
      assertThat(runsIn(exec, "mknod " + folder + "/mem c 1 1")).isTrue();
      assertThat(runsIn(exec, "head -c 1 " + folder + "/mem > /dev/null")).isFalse();
    } finally {
      Files.delete(exec);
    }
  }

  @Test
  void fourThousandDevicesStillMakeAProgramThatIsTaken() throws Exception {
    List<DeviceNode> nodes = new ArrayList<>();
    for (int i = 0; i < 4096; i++) {
      nodes.add(
          new DeviceNode("/dev/x" + i, FileMode.S_IFBLK | 0600, 8 + i / 256, i % 256, 0, 0, "rw"));
    }
    guard(nodes);
    assertThat(runs("head -c 1 /dev/zero > /dev/null")).isFalse();
  }

  private void guard(List<DeviceNode> nodes) {
    try (Fd directory =
        linux.files().open(cgroup.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      linux.cgroupPrograms().attachDeviceProgram(directory, DeviceFilter.allowing(nodes));
    }
  }

  private boolean runs(String command) throws Exception {
    return runsIn(cgroup, command);
  }

  private static boolean runsIn(Path cgroup, String command) throws Exception {
    Program.Ended shell =
        Program.run(
            "/bin/sh",
            "-c",
            "echo $$ > " + cgroup + "/cgroup.procs && exec /bin/sh -c \"$0\"",
            command);
    assertThat(shell.output()).doesNotContain("not found").doesNotContain("cgroup.procs");
    return shell.status() == 0;
  }
}
