package dev.molo.app.cli;

import dev.molo.cgroup.CgroupSettings;
import dev.molo.cgroup.Cgroups;
import dev.molo.config.ConfigFlags;
import dev.molo.config.ConfigLoader;
import dev.molo.config.MoloConfig;
import dev.molo.linux.Capability;
import dev.molo.linux.KernelFeature;
import dev.molo.linux.KernelFeatures;
import dev.molo.linux.Linux;
import dev.molo.linux.jnr.JnrLinux;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Tries what the daemon needs of this host, and says what to do about what is missing. */
@Command(
    name = "doctor",
    header = "Try what the daemon needs of this host.",
    description = {
      "",
      "Each kernel feature is used once for real and nothing stays behind; then the cgroup"
          + " controllers, molo's native programs and the folders. Needs no daemon; run it as root.",
      "Exit status 1 when something is missing.",
      ""
    })
final class DoctorCommand implements Callable<Integer> {
  private static final List<String> NATIVE_PARTS =
      List.of("libmolospawn.so", "molo-supervisor", "molo-mounter");

  @Spec private CommandSpec spec;
  @Mixin private OutputOptions output;

  @Option(
      names = "--instance",
      paramLabel = "NAME",
      description = "Whose folders and cgroups are looked at. Default: molo.")
  private String instance;

  @Option(names = "--root", paramLabel = "DIR", description = "As for molo serve.")
  private Path root;

  @Option(names = "--run", paramLabel = "DIR", description = "As for molo serve.")
  private Path run;

  @Option(names = "--config", paramLabel = "DIR", description = "As for molo serve.")
  private Path config;

  @Override
  public Integer call() {
    MoloConfig loaded = ConfigLoader.load(flags());
    List<KernelFeature> rows = new ArrayList<>();
    try (JnrLinux linux = JnrLinux.fromProperties()) {
      rows.add(root(linux));
      rows.addAll(nativeParts());
      rows.add(folder("root folder", loaded.root()));
      rows.add(folder("run folder", loaded.run()));
      rows.addAll(kernel(linux, loaded));
      rows.addAll(controllers(linux, loaded));
    }
    show(rows);
    return rows.stream().allMatch(KernelFeature::available) ? ExitCode.OK : ExitCode.FAILED;
  }

  private ConfigFlags flags() {
    return new ConfigFlags(
        Optional.ofNullable(instance),
        Optional.ofNullable(root),
        Optional.ofNullable(run),
        Optional.ofNullable(config),
        Optional.empty());
  }

  private static KernelFeature root(Linux linux) {
    boolean admin = linux.system().effectiveCapabilities().contains(Capability.CAP_SYS_ADMIN);
    return row("root", admin, admin ? "has CAP_SYS_ADMIN" : "no CAP_SYS_ADMIN", "run this as root");
  }

  private static List<KernelFeature> nativeParts() {
    Path folder = Path.of(System.getProperty(JnrLinux.NATIVE_FOLDER, "native"));
    return NATIVE_PARTS.stream()
        .map(part -> {
          Path file = folder.resolve(part);
          boolean found = Files.isReadable(file);
          return row(
              part, found, file + (found ? "" : " cannot be read"), "unpack the distribution anew");
        })
        .toList();
  }

  /** A folder that is not there yet is made by the daemon, so what counts is its nearest parent. */
  private static KernelFeature folder(String name, Path folder) {
    Path existing = existing(folder);
    boolean usable = Files.isDirectory(existing) && Files.isWritable(existing);
    return row(
        name,
        usable,
        folder + (existing.equals(folder) ? "" : ", to be made in " + existing),
        "make " + existing + " a folder that can be written");
  }

  private static Path existing(Path folder) {
    Path at = folder.toAbsolutePath();
    while (!Files.exists(at)) {
      at = Optional.ofNullable(at.getParent()).orElseThrow(); // the file system's root exists
    }
    return at;
  }

  private static List<KernelFeature> kernel(Linux linux, MoloConfig config) {
    return new KernelFeatures(linux, existing(config.root()), config.cgroup().mount()).all();
  }

  private static List<KernelFeature> controllers(Linux linux, MoloConfig config) {
    Cgroups cgroups;
    try {
      cgroups = Cgroups.discover(linux, CgroupSettings.of(config));
    } catch (UnsupportedOperationException e) {
      return List.of(row("cgroup v2", false, e.getMessage(), "mount cgroup v2"));
    }
    Set<String> missing = cgroups.missingControllers();
    return List.of(
        row("cgroup v2", true, "mounted on " + cgroups.mount().path(), ""),
        row(
            "cgroup controllers",
            missing.isEmpty(),
            "has " + cgroups.mount().controllers() + ", lacks " + missing,
            "boot with systemd.unified_cgroup_hierarchy=1; until then a limit of these is refused"
                + " (cgroup.missingControllers)"));
  }

  private static KernelFeature row(String name, boolean ok, String detail, String remedy) {
    return new KernelFeature(name, ok, detail, ok ? "" : remedy);
  }

  private void show(List<KernelFeature> rows) {
    PrintWriter out = spec.commandLine().getOut();
    if (output.json()) {
      out.println(JsonText.of(rows.stream().map(DoctorCommand::document).toList()));
      return;
    }
    Table table = new Table("TRIED", "RESULT", "DETAIL", "WHAT TO DO");
    rows.forEach(r -> table.row(r.name(), r.available() ? "ok" : "NO", r.detail(), r.remedy()));
    table.print(out);
  }

  private static Map<String, Object> document(KernelFeature row) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("name", row.name());
    document.put("ok", row.available());
    document.put("detail", row.detail());
    document.put("remedy", row.remedy());
    return document;
  }
}
