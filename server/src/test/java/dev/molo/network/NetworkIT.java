package dev.molo.network;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.Program;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@link NetworkScenarios} on the real kernel. Each runs in a JVM of its own in a network namespace
 * of its own, so that bridges, rules and sysctls never touch the machine's.
 */
@ExtendWith(RealKernel.class)
final class NetworkIT {

  @ParameterizedTest
  @EnumSource
  void holds(NetworkScenarios.Scenario scenario) throws IOException, InterruptedException {
    Program.Ended ended =
        Program.run(
            new ProcessBuilder(
                List.of(
                    "unshare",
                    "--net",
                    // Before the JVM begins: without any IPv6 address it would do without IPv6.
                    "sh",
                    "-c",
                    "ip link set lo up && exec \"$@\"",
                    "sh",
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow",
                    "-Dmolo.native=" + System.getProperty("molo.native", "native"),
                    "-cp",
                    System.getProperty("java.class.path"),
                    NetworkScenarios.class.getName(),
                    scenario.name())));
    String output = ended.output();
    int code = ended.status();
    output
        .lines()
        .filter(line -> line.contains("median") || line.contains("quiesce:"))
        .forEach(line -> System.out.println(scenario + ": " + line));
    assertThat(code).as(output).isZero();
  }
}
