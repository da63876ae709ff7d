package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.Int64Value;
import dev.molo.cri.v1.ListContainersRequest;
import dev.molo.cri.v1.Mount;
import dev.molo.image.TarBytes;
import dev.molo.image.TestImage;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Images that were made to hurt their host, through a real daemon: what they name stays inside
 * their root, what they let it read is bounded, and nothing is waited for.
 */
@ExtendWith(RealKernel.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileImageIT {
  @TempDir private static Path folder;
  private TestNode node;

  @BeforeAll
  void start() throws IOException, InterruptedException {
    node = new TestNode("evil", folder);
    bring("pipe", layer -> layer.add(etc()).add(TarBytes.typed("etc/passwd", '6')));
    bring(
        "link",
        layer -> layer.add(etc()).add(TarBytes.symlink("etc/passwd", "../../../../etc/passwd")));
    bring("device", layer -> layer.add(etc()).add(TarBytes.typed("etc/passwd", '3').device(1, 5)));
    byte[] huge = "x:x:1:1:x:/:/\n".repeat(3_000_000).getBytes(StandardCharsets.UTF_8);
    bring("huge", layer -> layer.add(etc()).add(TarBytes.file("etc/passwd", huge)));
    bring(
        "places",
        layer ->
            layer
                .add(etc())
                .add(TarBytes.symlink("dev", "/etc"))
                .add(TarBytes.symlink("proc", "/../../../tmp"))
                .add(TarBytes.symlink("data", "/../../../etc")));
    TestImage descriptor = new TestImage().configText("WorkingDir", "/proc/self/fd/8");
    bring("descriptor", descriptor, layer -> layer.add(etc()));
    TestImage user = new TestImage().configText("User", "4294967296:0");
    bring("user", user, layer -> layer.add(etc()));
    TestImage control =
        new TestImage()
            .configSet("Volumes", "/../../../etc/molo-hostile-volume")
            .configMap(
                "Labels",
                Map.of(
                    "io.kubernetes.pod.uid",
                    "another-uid",
                    "io.kubernetes.container.name",
                    "another"));
    bring("control", control, layer -> layer.add(etc()));
    node.daemon().start();
  }

  private static TarBytes.Entry etc() {
    return TarBytes.directory("etc");
  }

  private void bring(String name, Consumer<TarBytes> content) throws IOException {
    bring(name, new TestImage(), content);
  }

  private void bring(String name, TestImage image, Consumer<TarBytes> content) throws IOException {
    TarBytes layer = ProbeImage.program();
    content.accept(layer);
    Path archive = ProbeImage.write(folder.resolve(name + ".tar"), reference(name), image, layer);
    node.daemon().importImage(archive, reference(name));
  }

  private static String reference(String name) {
    return "example.test/evil-" + name + ":1";
  }

  @AfterEach
  void clear() {
    node.clear();
  }

  @AfterAll
  void end() throws IOException, InterruptedException {
    node.end();
  }

  private ContainerConfig.Builder of(String image, String... args) {
    return node.containerConfig("main", args)
        .setImage(ImageSpec.newBuilder().setImage(reference(image)));
  }

  private static ContainerConfig.Builder as(ContainerConfig.Builder config, String user) {
    config.getLinuxBuilder().getSecurityContextBuilder().setRunAsUsername(user);
    return config;
  }

  /** User-db or image memory exhaustion: CVE-2025-4437, CVE-2026-47262. */
  @Test
  void aUserDatabaseThatIsNoFileIsNeitherWaitedForNorFollowed() {
    for (String image : new String[] {"pipe", "link", "device"}) {
      String pod = node.pod(image);
      // every host has a user called daemon, and this image has none
      assertThatThrownBy(() -> node.create(pod, as(of(image, "exit", "0"), "daemon")))
          .as(image)
          .hasMessageMatching("(INVALID_ARGUMENT|FAILED_PRECONDITION): .*(daemon|/etc/passwd).*");
    }
  }

  /** User-db or image memory exhaustion: CVE-2025-4437, CVE-2026-47262. */
  @Test
  void aUserDatabaseThatIsTooLargeIsRefusedInASmallHeap() throws IOException {
    String pod = node.pod("huge");

    assertThatThrownBy(() -> node.create(pod, as(of("huge", "exit", "0"), "daemon")))
        .hasMessageContaining("passwd");

    assertThat(Files.readString(node.daemon().log())).doesNotContain("OutOfMemory");
    assertThat(node.pod("huge")).isEqualTo(pod);
  }

  /** Mount-target symlink exchange: CVE-2021-30465, CVE-2024-45310. */
  @Test
  void mountPointsThatAreLinksStayInside() throws IOException {
    Path volume = Files.createDirectory(folder.resolve("volume"));
    Files.writeString(volume.resolve("word"), "of the volume");
    String pod = node.pod("places");
    ContainerConfig.Builder config =
        of("places", "sleep", "1000")
            .addMounts(
                Mount.newBuilder()
                    .setHostPath(volume.toString())
                    .setContainerPath("/data/molo-hostile"));

    String container = node.run(pod, config);

    for (String name : new String[] {"null", "ptmx", "pts", "shm", "molo-hostile", "fs"}) {
      assertThat(Files.exists(Path.of("/etc", name), LinkOption.NOFOLLOW_LINKS)).as(name).isFalse();
    }
    assertThat(Path.of("/tmp/self")).doesNotExist();
    assertThat(node.said(container, "cat", "/data/molo-hostile/word")).isEqualTo("of the volume");
    assertThat(node.said(container, "cat", "/etc/molo-hostile/word")).isEqualTo("of the volume");
  }

  /** Image config as control input: CVE-2022-23648, CVE-2026-53488. */
  @Test
  void imageConfigIsNoControlInput() throws IOException {
    String pod = node.pod("control");
    ContainerConfig.Builder config = of("control", "sleep", "1000");
    config.getLinuxBuilder().getSecurityContextBuilder().setReadonlyRootfs(true);

    String container = node.run(pod, config);

    Path volume = Path.of("etc/molo-hostile-volume");
    assertThat(node.proc(container, "root").resolve(volume)).isEmptyDirectory();
    assertThat(Path.of("/").resolve(volume)).doesNotExist();
    assertThat(node.status(container).getLabelsMap()).isEmpty();
    ListContainersRequest.Builder ofAnother = ListContainersRequest.newBuilder();
    ofAnother.getFilterBuilder().putLabelSelector("io.kubernetes.pod.uid", "another-uid");
    assertThat(node.cri().listContainers(ofAnother.build()).getContainersList()).isEmpty();
  }

  /** Leaked fds / working directory: CVE-2024-21626. */
  @Test
  void anImagesWorkingDirectoryThatIsADescriptorIsRefused() {
    String pod = node.pod("descriptor");

    assertThatThrownBy(() -> node.run(pod, of("descriptor", "pwd"))).isNotNull();
  }

  /** Identity parsing: CVE-2024-40635, CVE-2026-30892. */
  @Test
  void anImagesUserBeyond32BitsIsNotRoot() {
    String pod = node.pod("user");

    assertThatThrownBy(() -> node.create(pod, of("user", "exit", "0")))
        .hasMessageContaining("4294967296");

    // the request's word counts before the image's
    ContainerConfig.Builder config = of("user", "sleep", "1000");
    config
        .getLinuxBuilder()
        .getSecurityContextBuilder()
        .setRunAsUser(Int64Value.newBuilder().setValue(1001));
    String container = node.run(pod, config);
    assertThat(TestNode.read(node.proc(container, "status"))).contains("Uid:\t1001\t");
  }
}
