package dev.molo.image.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.Patience;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.Reference;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.MediaTypes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AdmissionTest {
  private static final Reference NGINX = Reference.parse("nginx").orLatest();
  private static final Descriptor IMAGE =
      Descriptor.of(MediaTypes.OCI_INDEX, Digest.ofBytes(new byte[] {1}), 123);

  @TempDir Path folder;

  private Admission admission(List<String> allow, List<String> deny) {
    return new Admission(new AdmissionSettings(allow, deny, folder, 3, Duration.ofSeconds(20)));
  }

  private void verifier(String name, String script) throws IOException {
    Path file = folder.resolve(name);
    Files.writeString(file, "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
  }

  private void judge() {
    admission(List.of(), List.of()).requireVerifiers(NGINX, IMAGE, Cancellation.create());
  }

  @Test
  void policyDeniesBeforeItAllows() {
    admission(List.of(), List.of()).requirePolicy(NGINX);
    admission(List.of("docker.io/library/*"), List.of("*:edge")).requirePolicy(NGINX);
    assertThatThrownBy(() -> admission(List.of("quay.io/*"), List.of()).requirePolicy(NGINX))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.PERMISSION_DENIED))
        .hasMessageContainingAll("docker.io/library/nginx:latest", "policy.allow");
    assertThatThrownBy(() -> admission(List.of("*"), List.of("*:latest")).requirePolicy(NGINX))
        .hasMessageContaining("policy.deny has \"*:latest\"");
    assertThatThrownBy(() -> admission(List.of("docker?io*"), List.of()).requirePolicy(NGINX))
        .hasMessageContaining("no pattern");
  }

  /** Who wants in chooses the spelling of the registry's name, but not the registry. */
  @Test
  void policyIsNotLedAroundByAnotherSpellingOfTheRegistry() {
    Admission fence = admission(List.of(), List.of("quay.io/evil/*", "docker.io/library/*"));
    for (String spelled :
        List.of(
            "quay.io/evil/app:1",
            "QUAY.io/evil/app:1",
            "quay.io:443/evil/app:1",
            "Quay.IO:443/evil/app",
            "nginx",
            "DOCKER.io/library/nginx",
            "docker.io:443/library/nginx",
            "index.docker.io/library/nginx",
            "Index.Docker.io/library/nginx",
            "registry-1.docker.io/library/nginx:1",
            "registry-1.docker.io:443/library/nginx@" + IMAGE.digest())) {
      Reference reference = Reference.parse(spelled).orLatest();
      assertThat(fence.byPolicy(reference).admitted()).as(spelled).isFalse();
    }
    Reference other = Reference.parse("quay.io:8443/evil/app:1");
    assertThat(fence.byPolicy(other).admitted()).as("another server").isTrue();
    assertThat(
            admission(List.of("quay.io/good/*"), List.of())
                .byPolicy(Reference.parse("QUAY.io:443/good/app:1"))
                .admitted())
        .isTrue();
  }

  @Test
  void verifierHearsWhatContainerdTellsIt() throws IOException {
    Path heard = folder.resolveSibling(folder.getFileName() + "-heard");
    verifier("v", "echo \"$@\" > " + heard + "; cat >> " + heard);
    try {
      judge();
      assertThat(Files.readString(heard))
          .isEqualTo(
              "-name docker.io/library/nginx:latest -digest %s -stdin-media-type application/vnd.oci.descriptor.v1+json\n{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":123}"
                  .formatted(IMAGE.digest(), MediaTypes.OCI_INDEX, IMAGE.digest()));
    } finally {
      Files.deleteIfExists(heard);
    }
  }

  @Test
  void firstRefusalDecidesWithItsWords() throws IOException {
    verifier("a", "echo signed by nobody I know; exit 0");
    verifier("b", "printf 'no signature\\nat all'; exit 7");
    verifier("c", "exit 0");
    assertThatThrownBy(this::judge)
        .isInstanceOfSatisfying(
            FaultException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(Fault.PERMISSION_DENIED);
              assertThat(e.reason()).contains(ReasonWord.SignatureValidationFailed);
            })
        .hasMessageContainingAll("verifier b", IMAGE.digest().toString(), "no signature at all");
    assertThat(admission(List.of(), List.of()).byVerifiers(NGINX, IMAGE, Cancellation.create()))
        .containsExactly(
            new Judgement("a", true, "signed by nobody I know"),
            new Judgement("b", false, "no signature at all"));
  }

  @Test
  void noMoreVerifiersAreAskedThanConfigured() throws IOException {
    for (String name : List.of("a", "b", "c")) {
      verifier(name, "exit 0");
    }
    verifier("d", "exit 1");
    judge();
    Files.delete(folder.resolve("c"));
    assertThatThrownBy(this::judge).hasMessageContaining("verifier d");
  }

  /** All pulls of the node together start four at a time. */
  @Test
  void fourVerifiersRunAtOnceAndNoMore(@TempDir Path scratch) throws Exception {
    Path running = Files.createDirectory(scratch.resolve("running"));
    Path most = scratch.resolve("most");
    Path go = scratch.resolve("go");
    verifier(
        "v",
        "mkdir %1$s/$$; ls %1$s | wc -l >> %2$s; until [ -e %3$s ]; do sleep 0.05; done; rmdir %1$s/$$"
            .formatted(running, most, go));
    Admission patient =
        new Admission(
            new AdmissionSettings(List.of(), List.of(), folder, 3, Duration.ofMinutes(5)));
    List<Thread> pulls = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      pulls.add(
          Thread.ofPlatform()
              .start(() -> patient.requireVerifiers(NGINX, IMAGE, Cancellation.create())));
    }
    try {
      // who waits for a program waits with a limit, who waits for its turn has none
      for (int i = 0; i < 6000 && (entries(running) != 4 || waiting(pulls) != 2); i++) {
        Thread.sleep(10);
      }
      assertThat(entries(running)).isEqualTo(4);
      assertThat(waiting(pulls)).isEqualTo(2);
    } finally {
      Files.createFile(go);
      for (Thread pull : pulls) {
        Patience.end("the verifiers of all pulls end", pull);
      }
    }
    assertThat(Files.readAllLines(most))
        .hasSize(6)
        .allMatch(count -> Integer.parseInt(count.strip()) <= 4);
  }

  private static long waiting(List<Thread> threads) {
    return threads.stream().filter(t -> t.getState() == Thread.State.WAITING).count();
  }

  private static long entries(Path directory) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.count();
    }
  }

  @Test
  void missingFolderAdmits() throws IOException {
    Files.delete(folder);
    judge();
    Files.createDirectory(folder);
  }

  @Test
  void verifierThatCannotRunRefuses() throws IOException {
    Files.writeString(folder.resolve("v"), "not executable");
    assertThatThrownBy(this::judge)
        .hasMessageContainingAll("verifier v", "cannot be run")
        .isInstanceOfSatisfying(
            FaultException.class,
            e -> assertThat(e.reason()).contains(ReasonWord.SignatureValidationFailed));
  }

  @Test
  void slowVerifierIsKilledWithItsChildrenAndRefuses() throws IOException, InterruptedException {
    killedTooIs("sleep 600 & echo $! > %s; wait");
  }

  @Test
  void childThatHasLeftItsVerifierIsKilledToo() throws IOException, InterruptedException {
    killedTooIs("(sleep 600 & echo $! > %s); exec sleep 600");
  }

  /** {@code script} writes into a file which process it has started. */
  private void killedTooIs(String script) throws IOException, InterruptedException {
    Path pids = folder.resolveSibling(folder.getFileName() + "-pids");
    verifier("v", script.formatted(pids));
    try {
      // One that is killed before it has told of its child is given more time.
      for (long millis = 2000; !Files.exists(pids) || Files.size(pids) == 0; millis *= 2) {
        assertThat(millis).as("the verifier's child is not told of").isLessThan(200_000);
        refusesAfter(millis);
      }
      long child = Long.parseLong(Files.readString(pids).strip());
      for (int i = 0; i < 3000 && isAlive(child); i++) {
        Thread.sleep(20);
      }
      assertThat(isAlive(child)).isFalse();
    } finally {
      Files.deleteIfExists(pids);
    }
  }

  private void refusesAfter(long millis) {
    Admission hasty =
        new Admission(
            new AdmissionSettings(List.of(), List.of(), folder, 3, Duration.ofMillis(millis)));
    assertThatThrownBy(() -> hasty.requireVerifiers(NGINX, IMAGE, Cancellation.create()))
        .hasMessageContainingAll("verifier v", "did not end within " + millis + " ms");
  }

  /** An orphan's ending may wait for its new parent, which need not be quick: a zombie is dead. */
  private static boolean isAlive(long pid) throws IOException {
    Path stat = Path.of("/proc/" + pid + "/stat");
    try {
      return !Files.readString(stat).contains(") Z ");
    } catch (java.nio.file.NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      // ESRCH: it has gone since the file was opened.
      if (Files.exists(stat)) {
        throw e;
      }
      return false;
    }
  }

  @Test
  void cancelledPullEndsItsVerifierAtOnce() throws Exception {
    Path began = folder.resolveSibling(folder.getFileName() + "-began");
    verifier("v", "touch " + began + "; exec sleep 600");
    Cancellation cancellation = Cancellation.create();
    Thread canceller =
        Thread.ofVirtual()
            .start(() -> {
              awaitBeginning(began);
              cancellation.cancel("pull");
            });
    try {
      assertThatThrownBy(
              () -> admission(List.of(), List.of()).requireVerifiers(NGINX, IMAGE, cancellation))
          .isInstanceOfSatisfying(
              FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.CANCELLED));
    } finally {
      if (!Files.exists(began)) {
        // a verifier that was killed before it began would be waited for in vain
        Files.createFile(began);
      }
      Patience.end("the test's own thread ends", canceller);
      Files.deleteIfExists(began);
    }
  }

  private static void awaitBeginning(Path file) {
    try {
      Patience.until("the verifier begins", () -> Files.exists(file));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
