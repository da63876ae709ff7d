package dev.molo.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.fault.FaultException;
import dev.molo.linux.Fd;
import dev.molo.linux.LinuxException;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;

/** Log paths on the real file system: whatever is asked for, nothing outside is touched. */
class LogFilesIT {
  private Path top;
  private Path outside;
  private Path directory;

  @BeforeTry
  void makeFolders() throws IOException {
    top = Files.createTempDirectory("molo-logs");
    outside = Files.createDirectory(top.resolve("outside"));
    directory = Files.createDirectory(top.resolve("logs"));
    Files.createDirectory(directory.resolve("a"));
    Files.createSymbolicLink(directory.resolve("l"), outside);
    Files.createSymbolicLink(directory.resolve("a/l"), Path.of("../../outside"));
  }

  @AfterTry
  void deleteFolders() throws IOException {
    try (Stream<Path> all = Files.walk(top)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  @Property(tries = 300)
  void aLogLiesBelowItsDirectoryOrNowhere(@ForAll("paths") String path) throws IOException {
    LogFiles logs = new LogFiles(RealKernel.linux());
    try (Fd log = logs.openBelow(directory.toString(), path)) {
      Path file = Path.of("/proc/self/fd", Integer.toString(log.number())).toRealPath();
      assertThat(file).startsWith(directory.toRealPath());
      assertThat(Files.isRegularFile(file)).isTrue();
    } catch (FaultException | LinuxException refused) {
      assertThat(refused).hasMessageNotContaining("null");
    }
    assertThat(outside).isEmptyDirectory();
    assertThat(children(top)).containsExactlyInAnyOrder("outside", "logs");
  }

  @Provide
  Arbitrary<String> paths() {
    Arbitrary<String> name =
        Arbitraries.oneOf(
            Arbitraries.of("a", "l", ".", "..", "b", "", "b.log"),
            Arbitraries.strings().withChars("/.al\n").ofMinLength(1).ofMaxLength(8));
    return name.list()
        .ofMinSize(1)
        .ofMaxSize(5)
        .map(names -> String.join("/", names))
        .filter(path -> !path.isEmpty());
  }

  private static List<String> children(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(entry -> entry.getFileName().toString()).toList();
    }
  }
}
