package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.Patience;
import dev.molo.Program;
import dev.molo.cri.v1.AuthConfig;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.PullImageRequest;
import dev.molo.image.Digest;
import dev.molo.image.TarBytes;
import dev.molo.image.TestImage;
import dev.molo.image.registry.ScriptedRegistry;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What a heap dump of the daemon holds of the secrets of pulls and pushes that have ended. */
@ExtendWith(RealKernel.class)
class SecretsInMemoryIT {
  @TempDir private Path folder;
  private final String instance = "secrets-" + ProcessHandle.current().pid();
  private final TestImage made =
      new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("f", "content")).bytes());
  private TestDaemon daemon;
  private ScriptedRegistry registry;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    registry = new ScriptedRegistry();
    daemon = new TestDaemon(instance, folder);
    daemon.start();
  }

  @AfterEach
  void leaveNothing() {
    if (daemon != null) {
      registry.close();
      daemon.close();
      new InstanceCleanup(instance).run();
    }
  }

  private static String secret() {
    return "s3cret-" + UUID.randomUUID();
  }

  private static String basic(String password) {
    byte[] both = ("user:" + password).getBytes(StandardCharsets.UTF_8);
    return Base64.getEncoder().encodeToString(both);
  }

  /** Serves a repository to those who show this; others are told the challenge. */
  private void serve(String repository, String challenge, String authorization) {
    byte[] manifest = made.manifestBytes();
    protect(
        "/v2/" + repository + "/manifests/v1",
        manifest,
        made.mediaType(),
        challenge,
        authorization);
    for (Map.Entry<Digest, byte[]> blob : made.blobs().entrySet()) {
      protect(
          "/v2/" + repository + "/blobs/" + blob.getKey(),
          blob.getValue(),
          "application/octet-stream",
          challenge,
          authorization);
    }
  }

  private void protect(
      String path, byte[] content, String type, String challenge, String authorization) {
    registry.on(
        path,
        e -> {
          if (!authorization.equals(e.getRequestHeaders().getFirst("Authorization"))) {
            e.getResponseHeaders().add("WWW-Authenticate", challenge);
            ScriptedRegistry.reply(e, 401, "{}");
            return;
          }
          e.getResponseHeaders().add("Content-Type", type);
          ScriptedRegistry.reply(e, 200, content);
        });
  }

  private void pull(String repository, AuthConfig auth) {
    ImageSpec image =
        ImageSpec.newBuilder().setImage(registry.address() + "/" + repository + ":v1").build();
    var _ =
        daemon
            .images()
            .pullImage(PullImageRequest.newBuilder().setImage(image).setAuth(auth).build());
  }

  /** By a command, which speaks HTTP to the daemon. */
  private void explain(String repository, String password)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                TestDaemon.DISTRIBUTION.resolve("bin/molo").toString(),
                "image",
                "explain",
                registry.address() + "/" + repository + ":v1",
                "--username",
                "user",
                "--endpoint",
                daemon.run().resolve("molo.sock").toString())
            .redirectErrorStream(true)
            .start();
    try (OutputStream in = process.getOutputStream()) {
      in.write((password + "\n").getBytes(StandardCharsets.UTF_8));
    }
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(Patience.exit("molo image explain ends", process)).as(said).isZero();
    assertThat(said).contains(made.id().toString()).doesNotContain(password);
  }

  private String bearer() {
    return "Bearer realm=\"http://" + registry.address() + "/token\",service=\"s\"";
  }

  @Test
  void heapDumpHoldsNoSecretOfAPullThatHasEnded() throws Exception {
    Map<String, String> secrets = new LinkedHashMap<>();
    String password = secret();
    serve("team/basic", "Basic realm=\"r\"", "Basic " + basic(password));
    pull("team/basic", AuthConfig.newBuilder().setUsername("user").setPassword(password).build());
    secrets.put("password", password);
    secrets.put("password as it is sent", basic(password));

    String given = secret();
    String identity = secret();
    registry.on("/token", e -> ScriptedRegistry.reply(e, 200, "{\"token\":\"" + given + "\"}"));
    serve("team/token", bearer(), "Bearer " + given);
    pull("team/token", AuthConfig.newBuilder().setIdentityToken(identity).build());
    secrets.put("identity token", identity);
    secrets.put("token of the token server", given);

    String registryToken = secret();
    serve("team/registry", bearer(), "Bearer " + registryToken);
    pull("team/registry", AuthConfig.newBuilder().setRegistryToken(registryToken).build());
    secrets.put("registry token", registryToken);

    String typed = secret();
    serve("team/typed", "Basic realm=\"r\"", "Basic " + basic(typed));
    explain("team/typed", typed);
    secrets.put("password of a command", typed);
    secrets.put("password of a command as it is sent", basic(typed));

    List<String> left = left(secrets);
    // a thread may be on its last lines when its call has been answered
    for (int tries = 0; tries < 5 && !left.isEmpty(); tries++) {
      Thread.sleep(1000);
      left = left(secrets);
    }
    assertThat(left).isEmpty();
  }

  /** Which of them a heap dump holds. */
  private List<String> left(Map<String, String> secrets) throws IOException, InterruptedException {
    Path dump = folder.resolve("heap.hprof");
    heapDump(dump);
    assertThat(found(dump, "team/basic")).as("that what is looked for can be found").isTrue();
    List<String> left = new ArrayList<>();
    for (Map.Entry<String, String> secret : secrets.entrySet()) {
      if (found(dump, secret.getValue())) {
        left.add(secret.getKey());
      }
    }
    Files.delete(dump);
    return left;
  }

  private void heapDump(Path file) throws IOException, InterruptedException {
    Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
    Program.Ended dump =
        Program.run(
            jcmd.toString(),
            "-J-Dsun.tools.attach.attachTimeout=60000",
            Long.toString(daemon.pid()),
            "GC.heap_dump",
            file.toAbsolutePath().toString());
    assertThat(dump.status()).as(dump.output()).isZero();
    assertThat(file).as(dump.output()).isNotEmptyFile();
  }

  /** In any form that a string or its characters have in the heap. */
  private static boolean found(Path dump, String text) throws IOException {
    for (Charset form :
        List.of(
            StandardCharsets.ISO_8859_1, StandardCharsets.UTF_16LE, StandardCharsets.UTF_16BE)) {
      if (holds(dump, text.getBytes(form))) {
        return true;
      }
    }
    return false;
  }

  private static boolean holds(Path file, byte[] wanted) throws IOException {
    String needle = new String(wanted, StandardCharsets.ISO_8859_1);
    byte[] window = new byte[1 << 20];
    int kept = 0;
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.readNBytes(window, kept, window.length - kept);
          n > 0;
          n = in.readNBytes(window, kept, window.length - kept)) {
        int length = kept + n;
        if (new String(window, 0, length, StandardCharsets.ISO_8859_1).contains(needle)) {
          return true;
        }
        kept = Math.min(length, wanted.length - 1);
        byte[] end = Arrays.copyOfRange(window, length - kept, length);
        System.arraycopy(end, 0, window, 0, kept);
      }
      return false;
    }
  }
}
