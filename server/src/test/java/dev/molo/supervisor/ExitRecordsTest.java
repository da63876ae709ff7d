package dev.molo.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExitRecordsTest {
  @TempDir private Path run;
  private final SandboxId pod = SandboxId.random();
  private final ContainerId container = ContainerId.random();

  private void write(String text) throws IOException {
    Path folder = run.resolve("pods").resolve(pod.value()).resolve("exits");
    Files.createDirectories(folder);
    Files.writeString(folder.resolve(container.value()), text);
  }

  @Test
  void readsWhatTheSupervisorWrites() throws IOException {
    write(
        "molo-exit 1\ncontainer %s\npid 12\nstarted 100\nfinished 200\ncode 137\nsignal 9\noom_kills 2\nnews 1\n"
            .formatted(container));
    assertThat(new ExitRecords(run).read(pod, container))
        .contains(new ExitRecord(container, 100, new ProcessExit(200, 137, 9), 2));
  }

  @Test
  void absentIsEmpty() {
    assertThat(new ExitRecords(run).read(pod, container)).isEmpty();
  }

  @Test
  void tornOrForeignIsEmptyNotFatal() throws IOException {
    write("molo-exit 1\ncontainer %s\nstarted 1".formatted(container));
    assertThat(new ExitRecords(run).read(pod, container)).isEmpty();
    write("molo-exit 1\ncontainer %s\n".formatted(ContainerId.random()));
    assertThat(new ExitRecords(run).read(pod, container)).isEmpty();
    write("x".repeat(5000));
    assertThat(new ExitRecords(run).read(pod, container)).isEmpty();
  }
}
