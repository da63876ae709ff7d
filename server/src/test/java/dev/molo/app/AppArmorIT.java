package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.molo.Patience;
import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.LinuxContainerSecurityContext;
import dev.molo.cri.v1.LinuxPodSandboxConfig;
import dev.molo.cri.v1.LinuxSandboxSecurityContext;
import dev.molo.cri.v1.SecurityProfile;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * AppArmor profiles as the kernel enforces them. Needs a kernel with AppArmor switched on: the
 * guest has one.
 */
@ExtendWith(RealKernel.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AppArmorIT {
  private static final Path ENABLED = Path.of("/sys/module/apparmor/parameters/enabled");
  private static final String OWN = "molo-apparmorit";

  @TempDir private static Path folder;
  private TestNode node;
  private String pod;

  @BeforeAll
  void start() throws IOException, InterruptedException {
    boolean enabled = Files.exists(ENABLED) && Files.readString(ENABLED).startsWith("Y");
    assumeThat(enabled).as("SKIPPED: this kernel has no AppArmor; the guest has").isTrue();
    parser(
        "--replace",
        "profile %s flags=(attach_disconnected) { file, signal, deny /scratch/** w, }\n"
            .formatted(OWN));
    node = new TestNode("armor", folder);
    node.daemon().start();
  }

  @AfterEach
  void clear() {
    node.clear();
  }

  @AfterAll
  void end() throws IOException, InterruptedException {
    if (node == null) {
      return;
    }
    parser("--remove", "profile %s { }\n".formatted(OWN));
    parser("--remove", "profile %s { }\n".formatted(defaultName()));
    node.end();
  }

  private String defaultName() {
    return "molo-armor-%d-default".formatted(ProcessHandle.current().pid());
  }

  private static void parser(String verb, String policy) throws IOException, InterruptedException {
    Process parser =
        new ProcessBuilder("/sbin/apparmor_parser", verb, "--skip-cache")
            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var in = parser.outputWriter()) {
      in.write(policy);
    }
    assertThat(Patience.exit("apparmor_parser", parser)).isZero();
  }

  private ContainerConfig.Builder config(
      String name, Consumer<LinuxContainerSecurityContext.Builder> how) {
    ContainerConfig.Builder config = node.containerConfig(name, "sleep", "1000");
    how.accept(config.getLinuxBuilder().getSecurityContextBuilder());
    return config;
  }

  private String run(String name, Consumer<LinuxContainerSecurityContext.Builder> how) {
    pod =
        node.pod(
            node.podConfig(name)
                .setLinux(
                    LinuxPodSandboxConfig.newBuilder()
                        .setSecurityContext(
                            LinuxSandboxSecurityContext.newBuilder().setPrivileged(true))));
    return node.run(pod, config("main", how));
  }

  private static SecurityProfile profile(SecurityProfile.ProfileType type, String name) {
    return SecurityProfile.newBuilder().setProfileType(type).setLocalhostRef(name).build();
  }

  private String label(String container) {
    return TestNode.read(node.proc(container, "attr/current")).strip();
  }

  private String complaint(String container, String file) {
    return node.exec(container, "/bin/probe", "write", file, "x").getStderr().toStringUtf8();
  }

  @Test
  void theDefaultProfileConfinesWhoeverNamesNone() {
    for (SecurityProfile asked :
        new SecurityProfile[] {null, profile(SecurityProfile.ProfileType.RuntimeDefault, "")}) {
      String container =
          run(
              asked == null ? "silent" : "default",
              security -> {
                if (asked != null) {
                  security.setApparmor(asked);
                }
              });

      assertThat(label(container)).isEqualTo(defaultName() + " (enforce)");
      assertThat(node.said(container, "cat", "/proc/self/attr/current").strip())
          .isEqualTo(defaultName() + " (enforce)");
      // root, on a writable /proc: only the profile is in the way
      assertThat(complaint(container, "/proc/sys/vm/swappiness")).contains("Permission denied");
      assertThat(complaint(container, "/proc/sysrq-trigger")).contains("Permission denied");
      assertThat(complaint(container, "/file")).isEmpty();
      // a profile that took the daemon's signals would make it immortal
      node.stop(container, 60);
      assertThat(node.status(container).getExitCode()).isEqualTo(128 + 15);
    }
  }

  @Test
  void unconfinedAndPrivilegedHaveNone() {
    String unconfined =
        run(
            "unconfined",
            security -> security.setApparmor(profile(SecurityProfile.ProfileType.Unconfined, "")));
    String privileged = node.run(pod, config("all", security -> security.setPrivileged(true)));

    assertThat(label(unconfined)).isEqualTo("unconfined");
    assertThat(label(privileged)).isEqualTo("unconfined");
  }

  @Test
  @SuppressWarnings("deprecation")
  void aNamedProfileIsEnforcedForTheContainerAndItsExecs() throws IOException {
    String container =
        run(
            "named",
            security -> security.setApparmor(profile(SecurityProfile.ProfileType.Localhost, OWN)));
    String old =
        node.run(pod, config("old", security -> security.setApparmorProfile("localhost/" + OWN)));
    Files.createDirectories(node.proc(container, "root/scratch"));

    assertThat(label(container)).isEqualTo(OWN + " (enforce)");
    assertThat(label(old)).isEqualTo(OWN + " (enforce)");
    assertThat(complaint(container, "/scratch/no")).contains("Permission denied");
    assertThat(complaint(container, "/yes")).isEmpty();
  }

  @Test
  void aProfileThatIsNotLoadedIsNamed() {
    String other = node.pod("unloaded");
    ContainerConfig.Builder config =
        config(
            "main",
            security ->
                security.setApparmor(
                    profile(SecurityProfile.ProfileType.Localhost, "no-such-profile")));

    assertThatThrownBy(() -> node.create(other, config))
        .hasMessageContaining("FAILED_PRECONDITION")
        .hasMessageContaining("\"no-such-profile\" is not loaded");
  }

  @Test
  void aDefaultProfileThatWasUnloadedIsLoadedAgain() throws IOException, InterruptedException {
    String first = run("first", _ -> {});
    assertThat(label(first)).isEqualTo(defaultName() + " (enforce)");
    parser("--remove", "profile %s { }\n".formatted(defaultName()));

    assertThat(label(node.run(pod, config("second", _ -> {}))))
        .isEqualTo(defaultName() + " (enforce)");
  }
}
