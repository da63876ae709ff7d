package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Patience;
import dev.molo.Program;
import dev.molo.cri.v1.ContainerState;
import dev.molo.linux.RealKernel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * A disk below the logs that is full, and one that does not answer: an ext4 file system of its own,
 * filled, and frozen (FIFREEZE), so that writes to it and opens for writing hang in the kernel.
 */
@ExtendWith(RealKernel.class)
class DiskBelowLogsIT {
  @TempDir private Path folder;
  private final String instance = "disk-" + ProcessHandle.current().pid();
  private Path disk;
  private TestDaemon daemon;
  private World world;
  private Set<String> before;
  private boolean frozen;
  private boolean mounted;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    disk = Files.createDirectory(folder.resolve("disk"));
    Path image = folder.resolve("disk.img");
    ran("truncate", "-s", "8M", image.toString());
    ran("mkfs.ext4", "-q", "-O", "^has_journal", image.toString());
    String said = Program.run("mount", "-o", "loop", image.toString(), disk.toString()).complaint();
    assumeTrue(said.isEmpty(), "no loop device here: " + said);
    mounted = true;
    daemon = new TestDaemon(instance, folder);
    daemon.importImage(WorkloadImage.make(folder), WorkloadImage.REFERENCE);
    daemon.start();
    world = new World(instance, daemon);
    before = world.look();
  }

  @AfterEach
  void leaveNothing() throws IOException, InterruptedException {
    try {
      thaw();
      if (daemon != null) {
        assertThat(world.differences(before)).isEmpty();
      }
    } finally {
      if (daemon != null) {
        daemon.close();
        new InstanceCleanup(instance).run();
      }
      if (mounted) {
        ran("umount", disk.toString());
      }
    }
  }

  private void freeze() throws IOException, InterruptedException {
    ran("fsfreeze", "-f", disk.toString());
    frozen = true;
  }

  private void thaw() throws IOException, InterruptedException {
    if (frozen) {
      ran("fsfreeze", "-u", disk.toString());
      frozen = false;
    }
  }

  private static void ran(String... command) throws IOException, InterruptedException {
    assertThat(Program.run(command).complaint()).as(String.join(" ", command)).isEmpty();
  }

  private PodScenario up(String name, Path logs, String program) {
    PodScenario pod = new PodScenario(name, logs, program);
    pod.up().forEach(call -> call.accept(daemon.cri()));
    return pod;
  }

  private void down(PodScenario pod) {
    pod.down().forEach(call -> call.accept(daemon.cri()));
  }

  private static void await(String what, Check check) throws IOException, InterruptedException {
    for (int tries = 0; tries < 6000; tries++) {
      if (check.holds()) {
        return;
      }
      Thread.sleep(10);
    }
    throw new AssertionError("did not come: " + what);
  }

  private interface Check {
    boolean holds() throws IOException;
  }

  @Test
  void diskThatDoesNotAnswerStallsOnlyThoseWhoseLogsLieOnIt() throws Exception {
    PodScenario hung = up("hung", disk, "count");
    await("the first lines", () -> Files.size(hung.log()) > 1000);
    PodScenario other = up("other", folder.resolve("logs"), "count");
    freeze();
    PodScenario hangs = new PodScenario("hangs", disk, "wait");
    hangs.up().subList(0, 2).forEach(call -> call.accept(daemon.cri()));
    assertThatThrownBy(() -> hangs.up().get(2).accept(daemon.cri()))
        // not the caller's patience, but the daemon's
        .hasMessageContaining("open log " + hangs.log() + ", after PT10S");
    // as a kubelet tries again and again: nobody else may run out of threads
    List<CompletableFuture<String>> tries =
        IntStream.range(0, 40)
            .mapToObj(i -> CompletableFuture.supplyAsync(() -> reopen(hung)))
            .toList();
    long size = Files.size(other.log());
    PodScenario fresh = up("fresh", folder.resolve("logs"), "wait");
    down(fresh);
    await("lines of another pod", () -> Files.size(other.log()) > size + 1000);
    assertThat(hung.containerState(daemon.cri())).isEqualTo(ContainerState.CONTAINER_RUNNING);

    // its end is told although its log cannot be written
    hung.down().getFirst().accept(daemon.cri());
    assertThat(hung.containerState(daemon.cri())).isEqualTo(ContainerState.CONTAINER_EXITED);
    for (CompletableFuture<String> tried : tries) {
      assertThat(Patience.result("a call that needs the frozen disk ends", tried))
          .isNotEqualTo("done");
    }
    thaw();
    List.of(hung, hangs, other).forEach(this::down);
  }

  private String reopen(PodScenario pod) {
    try {
      pod.up().getLast().accept(daemon.cri());
      return "done";
    } catch (StatusRuntimeException e) {
      return e.getMessage();
    }
  }

  @Test
  void fullDiskStallsNobodyAndTheLogTellsWhatItLacks() throws Exception {
    Path filler = disk.resolve("filler");
    PodScenario logs = up("logs", disk, "count");
    await("the first lines", () -> Files.size(logs.log()) > 1000);
    var _ = Program.run("dd", "if=/dev/zero", "of=" + filler, "bs=64k", "status=none");
    String trouble = "log of container " + logs.container().substring(0, 12);
    await("the daemon's word", () -> Files.readString(daemon.log()).contains(trouble));
    PodScenario fresh = up("fresh", folder.resolve("logs"), "wait");
    down(fresh);
    Files.delete(filler);
    await("the mark in the log", () -> Files.readString(logs.log()).contains("are missing here"));
    down(logs);
    String log = Files.readString(logs.log());
    // what is there is whole: numbers that follow each other, or the mark with how many it skips
    List<String> lines = log.lines().skip(1).toList();
    long next = 0;
    for (String line : lines) {
      String text = line.split(" ", 4)[3];
      if (text.startsWith("molo: ")) {
        next += Long.parseLong(text.split(" ")[1]);
      } else {
        assertThat(text).isEqualTo(Long.toString(next));
        next++;
      }
    }
  }
}
