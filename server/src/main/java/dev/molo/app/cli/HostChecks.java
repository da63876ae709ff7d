package dev.molo.app.cli;

import dev.molo.cgroup.CgroupSettings;
import dev.molo.cgroup.Cgroups;
import dev.molo.config.MoloConfig;
import dev.molo.image.registry.TrustCheck;
import dev.molo.linux.Capability;
import dev.molo.linux.KernelFeatures;
import dev.molo.linux.Linux;
import dev.molo.linux.jnr.JnrLinux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What {@code molo doctor} tries of the host, whether or not a daemon runs. */
record HostChecks(Linux linux, MoloConfig config) {
  private static final List<String> NATIVE_PARTS =
      List.of("libmolospawn.so", "molo-supervisor", "molo-mounter");

  List<Check> run() {
    List<Check> checks = new ArrayList<>();
    checks.add(root());
    checks.addAll(nativeParts());
    checks.add(folder("root folder", config.root()));
    checks.add(folder("run folder", config.run()));
    features().forEach(checks::add);
    checks.addAll(controllers());
    checks.addAll(certificates());
    return checks;
  }

  private Check root() {
    boolean admin = linux.system().effectiveCapabilities().contains(Capability.CAP_SYS_ADMIN);
    return Check.of(
        "root", admin, admin ? "has CAP_SYS_ADMIN" : "no CAP_SYS_ADMIN", "run this as root");
  }

  private static List<Check> nativeParts() {
    Path folder = Path.of(System.getProperty(JnrLinux.NATIVE_FOLDER, "native"));
    return NATIVE_PARTS.stream()
        .map(part -> {
          Path file = folder.resolve(part);
          boolean found = Files.isReadable(file);
          return Check.of(
              part, found, file + (found ? "" : " cannot be read"), "unpack the distribution anew");
        })
        .toList();
  }

  /** A folder that is not there yet is made by the daemon, so what counts is its nearest parent. */
  private static Check folder(String name, Path folder) {
    Path existing = existing(folder);
    String where = folder + (existing.equals(folder) ? "" : ", to be made in " + existing);
    try {
      Path trial = Files.createTempDirectory(existing, ".molo-doctor");
      Files.delete(trial);
      return Check.of(name, true, where, "");
    } catch (IOException e) {
      return Check.of(
          name,
          false,
          where + ": a folder cannot be made there: " + e,
          "make %s a folder on a file system that can be written".formatted(existing));
    }
  }

  private static Path existing(Path folder) {
    Path at = folder.toAbsolutePath();
    while (!Files.exists(at)) {
      at = Optional.ofNullable(at.getParent()).orElseThrow(); // the file system's root exists
    }
    return at;
  }

  private List<Check> features() {
    return new KernelFeatures(linux, existing(config.root()), config.cgroup().mount())
        .all().stream().map(Check::of).toList();
  }

  private List<Check> controllers() {
    Cgroups cgroups;
    try {
      cgroups = Cgroups.discover(linux, CgroupSettings.of(config));
    } catch (UnsupportedOperationException e) {
      return List.of(Check.of("cgroup v2", false, e.getMessage(), "mount cgroup v2"));
    }
    Set<String> missing = cgroups.missingControllers();
    return List.of(
        Check.of("cgroup v2", true, "mounted on " + cgroups.mount().path(), ""),
        Check.of(
            "cgroup controllers",
            missing.isEmpty(),
            "has " + cgroups.mount().controllers() + ", lacks " + missing,
            "boot with systemd.unified_cgroup_hierarchy=1; until then a limit of these is refused"
                + " (cgroup.missingControllers)"));
  }

  private List<Check> certificates() {
    return new TrustCheck(Clock.systemUTC())
        .check(config.images().certsDirs()).stream()
            .map(finding ->
                Check.of(
                    "registry " + finding.registry(),
                    finding.well(),
                    finding.detail(),
                    "mend that file; pulls from this registry fail until then"))
            .toList();
  }
}
