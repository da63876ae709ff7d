package dev.molo.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.RealKernel;
import dev.molo.spec.ContainerId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The real mounter on the real kernel, and on Linux 6.1 in the guest. */
@ExtendWith(RealKernel.class)
@Timeout(300)
final class MounterIT {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Path NATIVE =
      Path.of(System.getProperty("molo.native", "../native-shims/target"));

  @TempDir Path directory;
  private final Linux linux = RealKernel.linux();
  private Path layers;
  private Path pods;
  private Reactors reactors;
  private NativeMounter mounter;

  @BeforeEach
  void start() throws IOException {
    layers = Files.createDirectory(directory.resolve("layers"));
    pods = Files.createDirectory(directory.resolve("pods"));
    reactors = new Reactors(linux);
    mounter = new NativeMounter(linux, reactors, NATIVE, layers, pods);
  }

  @AfterEach
  void end() {
    mounter.close();
    reactors.close();
  }

  /** Layers with one file each, topmost first, names as long as the store makes them. */
  private List<String> layers(int count) throws IOException {
    List<String> lowers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String name = "%020d".formatted(i);
      Path content = Files.createDirectories(layers.resolve(name).resolve("fs"));
      Files.writeString(content.resolve("file" + i), "of layer " + i);
      Files.writeString(content.resolve("same"), "from layer " + i);
      lowers.add(name + "/fs");
    }
    return lowers;
  }

  private OverlayRequest.Writable writable(String name) throws IOException {
    String sandbox = "a".repeat(64);
    Path container = pods.resolve(sandbox).resolve(name);
    Files.createDirectories(container.resolve("upper"));
    Files.createDirectories(container.resolve("work"));
    return new OverlayRequest.Writable(
        sandbox + "/" + name + "/upper", sandbox + "/" + name + "/work");
  }

  private Fd overlay(int count, String name, boolean isVolatile) throws IOException {
    return mounter.overlay(
        new OverlayRequest(layers(count), Optional.of(writable(name)), isVolatile), LIMIT);
  }

  @Test
  void aHundredAndTwentySevenLayersWithFullLengthNamesFit() throws Exception {
    try (Fd root = overlay(127, "b".repeat(64), true)) {
      for (int i = 0; i < 127; i++) {
        assertThat(linux.files().readText(root, "file" + i)).isEqualTo("of layer " + i);
      }
      assertThat(linux.files().readText(root, "same")).isEqualTo("from layer 0");
    }
  }

  @Test
  void changesGoToTheUpperDirectory() throws Exception {
    try (Fd root = overlay(2, "c", false)) {
      linux.files().mkdirat(root, "made", 0755);
      linux.files().unlinkat(root, "file1".getBytes(java.nio.charset.StandardCharsets.UTF_8), 0);
      assertThat(linux.files().statxIfPresent(root, "file1", 0)).isEmpty();
    }
    Path upper = pods.resolve("a".repeat(64)).resolve("c/upper");
    assertThat(upper.resolve("made")).isDirectory();
    assertThat(layers.resolve("%020d/fs/file1".formatted(1))).exists();
  }

  /** Row 16 of the complaints: unmounting a container's root syncs the whole disk below it. */
  @Test
  void row16VolatileOverlaysAreNotSyncedWhenTheyGo() throws Exception {
    for (boolean isVolatile : List.of(true, false)) {
      String name = isVolatile ? "row16" : "row16-synced";
      overlay(2, name, isVolatile).close();
      // By this overlayfs remembers that what it holds was never synced.
      Path mark = pods.resolve("a".repeat(64)).resolve(name + "/work/work/incompat/volatile");
      assertThat(Files.exists(mark)).as(name).isEqualTo(isVolatile);
    }
  }

  @Test
  void theHostsMountTableStaysAsItWas() throws Exception {
    // others on this machine mount and unmount: ours are told by their names and places
    String name = ContainerId.random().value();
    List<String> before = Files.readAllLines(Path.of("/proc/self/mountinfo"));
    try (Fd root = overlay(3, name, true)) {
      assertThat(root.isOpen()).isTrue();
      assertThat(Files.readAllLines(Path.of("/proc/self/mountinfo")))
          .filteredOn(line -> !before.contains(line))
          .noneMatch(line -> line.contains(name) || line.contains(directory.toString()))
          .noneMatch(line -> line.split(" ", 6)[4].matches("/|/[lp]|/m/.*"));
    }
  }

  @Test
  void aMissingLayerIsNamed() throws Exception {
    OverlayRequest request =
        new OverlayRequest(List.of("gone/fs"), Optional.of(writable("e")), false);
    assertThatThrownBy(() -> mounter.overlay(request, LIMIT))
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
        .hasMessageContaining("gone/fs");
  }

  @Test
  void readOnlyOverlaysTakeNoWrites() throws Exception {
    for (int count : new int[] {1, 2}) {
      OverlayRequest request = new OverlayRequest(layers(count), Optional.empty(), false);
      try (Fd root = mounter.overlay(request, LIMIT)) {
        assertThat(linux.files().readText(root, "same")).isEqualTo("from layer 0");
        assertThatThrownBy(() ->
                linux.files().openat2(root, "new", OpenFlags.O_WRONLY | OpenFlags.O_CREAT, 0600, 0))
            .isInstanceOfSatisfying(
                LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EROFS));
      }
    }
  }

  @Test
  void manyAtOnce() throws Exception {
    List<String> lowers = layers(5);
    List<OverlayRequest> requests = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      requests.add(new OverlayRequest(lowers, Optional.of(writable("many" + i)), true));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(16)) {
      List<Future<Fd>> roots = new ArrayList<>();
      for (OverlayRequest request : requests) {
        roots.add(threads.submit(() -> mounter.overlay(request, LIMIT)));
      }
      for (Future<Fd> root : roots) {
        try (Fd fd = root.get()) {
          assertThat(linux.files().readText(fd, "file4")).isEqualTo("of layer 4");
        }
      }
    }
  }

  @Test
  void itStartsAnewAfterAClose() throws Exception {
    overlay(1, "f", true).close();
    mounter.close();
    overlay(1, "g", true).close();
  }
}
