package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Program;
import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.ListImagesRequest;
import dev.molo.cri.v1.PullImageRequest;
import dev.molo.cri.v1.RemoveImageRequest;
import dev.molo.image.TarBytes;
import dev.molo.image.TestImage;
import dev.molo.image.TestRegistry;
import dev.molo.linux.RealKernel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A daemon whose disk is full, to the last byte. */
@ExtendWith(RealKernel.class)
class FullDiskIT {
  private static final int LAYER = 6 << 20;
  private static final String ROOM = "size=16m";

  @TempDir private Path folder;
  private final String instance = "full-" + ProcessHandle.current().pid();
  private TestDaemon daemon;
  private TestRegistry registry;
  private boolean mounted;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    assumeTrue(TestRegistry.installed(), "docker-registry is not installed");
    registry = TestRegistry.start(folder);
    registry.push(image(1), "one", "v1");
    registry.push(image(2), "two", "v1");
    daemon = new TestDaemon(instance, folder);
    Files.createDirectory(daemon.root());
    Program.output("mount", "-t", "tmpfs", "-o", ROOM, "tmpfs", daemon.root().toString());
    mounted = true;
    daemon.start();
  }

  @AfterEach
  void leaveNothing() throws IOException, InterruptedException {
    if (registry != null) {
      registry.close();
    }
    if (daemon != null) {
      daemon.close();
      new InstanceCleanup(instance).run();
    }
    if (mounted) {
      Program.output("umount", daemon.root().toString());
    }
  }

  private static TestImage image(int seed) {
    byte[] noise = new byte[LAYER];
    new Random(seed).nextBytes(noise);
    return new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("noise", noise)).bytes());
  }

  private ImageSpec spec(String name) {
    return ImageSpec.newBuilder().setImage(registry.address() + "/" + name + ":v1").build();
  }

  private void pull(String name) {
    var _ = daemon.images().pullImage(PullImageRequest.newBuilder().setImage(spec(name)).build());
  }

  private List<String> names() {
    return daemon
        .images()
        .listImages(ListImagesRequest.getDefaultInstance())
        .getImagesList()
        .stream()
        .map(Image::getRepoTagsList)
        .map(tags -> tags.getFirst())
        .toList();
  }

  private void fill() throws IOException {
    byte[] block = new byte[4096];
    try (OutputStream out = Files.newOutputStream(daemon.root().resolve("filler"))) {
      while (true) {
        out.write(block);
      }
    } catch (IOException full) {
      assertThat(full).hasMessageContaining("No space left");
    }
    assertThat(room()).isZero();
  }

  private long room() throws IOException {
    return Files.getFileStore(daemon.root()).getUsableSpace();
  }

  /** Row 21 of the complaints: disk full, then a restart loop. */
  @Test
  void row21DaemonStartsOnAFullDiskAndRemovalGivesTheSpaceBack() throws Exception {
    pull("one");
    fill();
    for (boolean killed : List.of(true, false)) {
      assertThatThrownBy(() -> pull("two"))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
      if (killed) {
        daemon.kill();
      } else {
        daemon.stop();
      }
      daemon.start();
      assertThat(names()).containsExactly(spec("one").getImage());
    }
    var _ =
        daemon.images().removeImage(RemoveImageRequest.newBuilder().setImage(spec("one")).build());
    assertThat(names()).isEmpty();
    TestNode.until("the image's room is given back", () -> room() >= LAYER);
    pull("two");
    assertThat(names()).containsExactly(spec("two").getImage());
  }
}
