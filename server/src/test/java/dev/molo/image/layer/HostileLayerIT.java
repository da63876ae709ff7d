package dev.molo.image.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Patience;
import dev.molo.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Layers of many entries must not fill the daemon's heap: not while they are unpacked, not while
 * they are verified, not while they are deleted. Here with a smaller heap than the daemon's and
 * fewer entries than are allowed; in memory, because disks take their time for so many files.
 */
@Timeout(300)
final class HostileLayerIT {
  private static final Path MEMORY = Path.of("/dev/shm");

  @TempDir Path logs;
  private Path directory;

  @BeforeEach
  void start() throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root: owners");
    assumeTrue(Files.isWritable(MEMORY), MEMORY + " is not there");
    directory = Files.createTempDirectory(MEMORY, "molo-hostile");
  }

  /** Whatever a process that ended in the midst has left. */
  @AfterEach
  void end() throws IOException, InterruptedException {
    if (directory != null) {
      var _ = Program.run("rm", "-rf", directory.toString());
      assertThat(directory).doesNotExist();
    }
  }

  @ParameterizedTest
  @CsvSource({"wide, 20000", "replaced, 130000", "records, 40"})
  void heapDoesNotGrowWithTheNumberOfEntries(String kind, int count) throws Exception {
    Path log = logs.resolve("log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx12m",
                "-Xss512k",
                "-XX:+UseSerialGC",
                "-XX:+UseCompactObjectHeaders",
                "-XX:+ExitOnOutOfMemoryError",
                "--enable-native-access=ALL-UNNAMED",
                "-Dmolo.native=" + System.getProperty("molo.native"),
                "-cp",
                System.getProperty("java.class.path"),
                HostileLayer.class.getName(),
                directory.toString(),
                kind,
                Integer.toString(count))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    int status = Patience.exit("%d %s are unpacked".formatted(count, kind), process);
    assertThat(status).as(Files.readString(log)).isZero();
    assertThat(Files.readString(log)).endsWith("done\n");
    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left).isEmpty();
    }
  }
}
