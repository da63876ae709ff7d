package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Program;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The unit file that the distribution carries. */
class SystemdUnitTest {
  private static final Path UNIT = Path.of("../systemd/molo.service");
  private static final Path ANALYZE = Path.of("/usr/bin/systemd-analyze");

  /** Whatever these set would be inherited by containers (the file says how). */
  private static final String SANDBOXING =
      "(Private|Protect|Restrict|SystemCall|Capability|Ambient|NoNewPriv|MemoryDeny|LockPers"
          + "|ReadWrite|ReadOnly|Inaccessible|Root|RuntimeDir|StateDir|DynamicUser|User=).*";

  @TempDir Path folder;

  @Test
  void saysWhatTheDaemonNeedsAndNothingThatContainersInherit() throws Exception {
    List<String> settings =
        Files.readAllLines(UNIT).stream()
            .filter(line -> line.matches("[A-Z][A-Za-z]*=.*"))
            .toList();
    assertThat(settings)
        .contains("Type=notify", "Delegate=yes", "KillMode=process", "OOMScoreAdjust=-999")
        .anyMatch(line -> line.startsWith("WatchdogSec="))
        .noneMatch(line -> line.matches(SANDBOXING));
  }

  /** With a program where ExecStart looks, since the build machine has nothing in /opt. */
  @Test
  void systemdFindsNothingToSay() throws Exception {
    assumeTrue(Files.isExecutable(ANALYZE), "systemd-analyze is not installed (package systemd)");
    Path program = folder.resolve("molo");
    Files.writeString(program, "#!/bin/sh\n");
    assertThat(program.toFile().setExecutable(true)).isTrue();
    Path unit = folder.resolve("molo.service");
    Files.writeString(
        unit, Files.readString(UNIT).replace("/opt/molo/bin/molo", program.toString()));
    Program.Ended verify = Program.run(ANALYZE.toString(), "verify", "--man=no", unit.toString());
    String said = verify.output();
    // other units of the machine are read too, and are not ours to judge
    assertThat(said.lines().filter(line -> line.contains("molo"))).isEmpty();
    assertThat(verify.status()).as(said).isZero();
  }
}
