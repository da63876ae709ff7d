package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.Program;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What molo pushes and exports is read by skopeo and umoci, and the other way round. */
@Timeout(300)
final class OtherToolsIT {
  @TempDir Path directory;
  private TestStores stores;
  private TestRegistry registry;
  private ImageStore store;
  private TestImage made;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    TestStores.needsRegistry();
    OtherTools.need("skopeo", "umoci", "tar", "python3");
    stores = new TestStores(directory);
    registry = TestRegistry.start(directory);
    store = stores.start();
    made =
        new TestImage()
            .gzipLayer(
                new TarBytes()
                    .add(TarBytes.directory("bin/"))
                    .add(TarBytes.file("bin/hello", "hello".repeat(5000)).mode(04755))
                    .add(TarBytes.file("bin/old", "old"))
                    .bytes())
            .gzipLayer(
                new TarBytes()
                    .add(TarBytes.directory("bin/"))
                    .add(TarBytes.whiteout("bin/", "old"))
                    .bytes())
            .config("Entrypoint", "/bin/hello");
    Path archive = Files.write(directory.resolve("made.tar"), TestArchives.docker(made, "app:1"));
    TestStores.bringIn(store, archive);
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
      registry.close();
    }
  }

  private static String skopeo(String... arguments) throws Exception {
    String[] command = new String[arguments.length + 2];
    command[0] = "skopeo";
    command[1] = "--insecure-policy";
    System.arraycopy(arguments, 0, command, 2, arguments.length);
    return Program.output(command);
  }

  private String remote(String nameAndTag) {
    return "docker://" + registry.address() + "/" + nameAndTag;
  }

  private Path export(ExportRequest.Format format, String name) throws IOException {
    Path file = directory.resolve(name);
    try (OutputStream out = Files.newOutputStream(file)) {
      store.export(
          new ExportRequest(List.of("app:1"), format, Optional.empty()),
          new ExportTarget.Tar(out),
          Cancellation.create());
    }
    return file;
  }

  /** The id of an image is the digest of its configuration, as skopeo reads it. */
  private static String idSeenBySkopeo(String image) throws Exception {
    String config =
        image.startsWith("docker://")
            ? skopeo("inspect", "--tls-verify=false", "--config", "--raw", image)
            : skopeo("inspect", "--config", "--raw", image);
    return Digest.ofBytes(config.getBytes(StandardCharsets.UTF_8)).toString();
  }

  @Test
  void whatIsPushedIsReadBySkopeo() throws Exception {
    PushedImage pushed =
        store.push(
            new PushRequest(
                "app:1",
                Optional.of(registry.address() + "/team/app:1"),
                Optional.empty(),
                RegistryAuth.anonymous()),
            Cancellation.create(),
            _ -> {});
    JsonNode seen =
        new ObjectMapper().readTree(skopeo("inspect", "--tls-verify=false", remote("team/app:1")));
    assertThat(seen.path("Digest").asText())
        .isEqualTo(pushed.image().digest().orElseThrow().toString());
    assertThat(seen.path("Layers")).hasSize(2);
    assertThat(idSeenBySkopeo(remote("team/app:1"))).isEqualTo(made.id().toString());

    // All of it, not only its documents; and back again.
    String copy = "oci-archive:" + directory.resolve("copied.tar") + ":app:2";
    skopeo("copy", "--src-tls-verify=false", remote("team/app:1"), copy);
    store.remove("app:1");
    Image back = TestStores.bringIn(store, directory.resolve("copied.tar")).getFirst();
    assertThat(back.id()).isEqualTo(made.id());
  }

  @Test
  void whatIsExportedIsReadByOthers() throws Exception {
    Path oci = export(ExportRequest.Format.OCI, "oci.tar");
    Path docker = export(ExportRequest.Format.DOCKER, "docker.tar");
    assertThat(idSeenBySkopeo("oci-archive:" + oci)).isEqualTo(made.id().toString());
    assertThat(idSeenBySkopeo("docker-archive:" + docker)).isEqualTo(made.id().toString());
    skopeo("copy", "--dest-tls-verify=false", "oci-archive:" + oci, remote("from/oci:1"));
    skopeo("copy", "--dest-tls-verify=false", "docker-archive:" + docker, remote("from/docker:1"));
    store.remove("app:1");
    for (String name : List.of("from/oci:1", "from/docker:1")) {
      Image pulled = TestStores.pull(store, registry.address() + "/" + name);
      assertThat(pulled.layers()).as(name).isEqualTo(made.diffIds());
    }

    Path layout = Files.createDirectory(directory.resolve("layout"));
    Program.output("tar", "-xf", oci.toString(), "-C", layout.toString());
    Path root = directory.resolve("root");
    Program.output("umoci", "raw", "unpack", "--image", layout + ":1", root.toString());
    assertThat(root.resolve("bin/hello")).hasContent("hello".repeat(5000));
    assertThat(root.resolve("bin/old")).doesNotExist();
  }

  @Test
  void whatSkopeoWritesIsImported() throws Exception {
    registry.push(made, "app", "1");
    Path docker = directory.resolve("skopeo-docker.tar");
    Path oci = directory.resolve("skopeo-oci");
    skopeo("copy", "--src-tls-verify=false", remote("app:1"), "docker-archive:" + docker + ":a:1");
    skopeo("copy", "--src-tls-verify=false", remote("app:1"), "oci:" + oci + ":a:2");
    for (Path source : List.of(docker, oci)) {
      store.list().forEach(image -> store.remove(image.id().toString()));
      Image imported = TestStores.bringIn(store, source).getFirst();
      assertThat(imported.layers()).as(source.toString()).isEqualTo(made.diffIds());
      assertThat(TestStores.verify(store, false))
          .extracting(LayerCheck::verdict)
          .containsOnly(LayerCheck.Verdict.SOUND);
    }
  }
}
