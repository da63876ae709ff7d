package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.linux.Errno;
import dev.molo.linux.ExitStatus;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.SpawnRequest;
import dev.molo.linux.Spawned;
import dev.molo.spec.ContainerSecurity;
import dev.molo.spec.SecurityProfile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which AppArmor profile a container's processes change to, and whether the kernel has it. The
 * default profile is compiled and loaded by apparmor_parser(8) the first time that a container
 * needs it, and again when somebody has unloaded it.
 *
 * <p>Whether AppArmor is on is asked once: it does not change between boots. Thread-safe; the first
 * use of the default profile waits for the parser.
 */
final class AppArmor {
  private static final Logger log = LoggerFactory.getLogger(AppArmor.class);
  private static final String PARSER = "/sbin/apparmor_parser";
  private static final String ENABLED = "/sys/module/apparmor/parameters/enabled";
  private static final String PROFILES = "/sys/kernel/security/apparmor/profiles";
  private static final int MAX_NAME = 256;

  private final Linux linux;
  private final String defaultName;
  private final boolean enabled;
  private boolean loadedByUs;

  /**
   * @param defaultName what the default profile of this instance is called
   */
  AppArmor(Linux linux, String defaultName) {
    this.linux = linux;
    this.defaultName = defaultName;
    this.enabled = text(ENABLED).trim().equals("Y");
  }

  /**
   * The profile; empty for none.
   *
   * @param warnings told what could not be given as asked
   * @throws FaultException FAILED_PRECONDITION for a named profile that this host has not
   */
  Optional<String> profile(ContainerSecurity security, List<String> warnings) {
    SecurityProfile profile = security.apparmor();
    return switch (profile.kind()) {
      case UNCONFINED -> Optional.empty();
      case LOCALHOST -> Optional.of(named(profile.localhostRef()));
      case RUNTIME_DEFAULT ->
          enabled && !security.privileged() ? defaultProfile(warnings) : Optional.empty();
    };
  }

  private String named(String name) {
    FieldText.plain("apparmor.localhost_ref", name, MAX_NAME);
    if (!enabled) {
      throw FaultException.precondition(
          "apparmor.localhost_ref \"%s\": AppArmor is not enabled on this host", name);
    }
    if (name.isEmpty() || !isLoaded(name)) {
      throw FaultException.precondition(
          "apparmor.localhost_ref \"%s\" is not loaded on this host", name);
    }
    return name;
  }

  private boolean isLoaded(String name) {
    String line = name + " (";
    return text(PROFILES).lines().anyMatch(profile -> profile.startsWith(line));
  }

  private synchronized Optional<String> defaultProfile(List<String> warnings) {
    // what an older daemon has loaded under this name is replaced once
    if (loadedByUs && isLoaded(defaultName)) {
      return Optional.of(defaultName);
    }
    try (Fd parser = linux.files().open(PARSER, OpenFlags.O_PATH)) {
      load(parser);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
      warnings.add(
          "without an AppArmor profile: %s is missing (Debian package apparmor)".formatted(PARSER));
      return Optional.empty();
    }
    loadedByUs = true;
    log.info("AppArmor profile {} is loaded", defaultName);
    return Optional.of(defaultName);
  }

  private void load(Fd parser) {
    byte[] text = DefaultAppArmor.profile(defaultName).getBytes(StandardCharsets.UTF_8);
    ByteBuffer direct = ByteBuffer.allocateDirect(text.length).put(text).flip();
    try (Fd policy = linux.memfds().sealed("molo-apparmor", direct);
        Fd said = linux.memfds().create("molo-apparmor-said")) {
      SpawnRequest request =
          SpawnRequest.of(parser, List.of("apparmor_parser", "--replace", "--skip-cache"))
              .withEnvironment(List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin"))
              .withFd(policy, 0)
              .withFd(said, 1)
              .withFd(said, 2);
      try (Spawned child = linux.processes().spawn(request)) {
        ExitStatus status = linux.processes().waitidBlocking(child.pidfd());
        if (!status.equals(new ExitStatus.Exited(0))) {
          throw FaultException.precondition(
              "load AppArmor profile %s: apparmor_parser %s: %s",
              defaultName, status, text("/proc/self/fd/" + said.number()).strip());
        }
      }
    }
  }

  /** Empty when there is no such file. */
  private String text(String path) {
    try {
      return linux.files().readText(Fd.AT_FDCWD, path);
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        return "";
      }
      throw e;
    }
  }
}
