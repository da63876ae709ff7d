package dev.molo.app.cli;

import dev.molo.config.ConfigFlags;
import dev.molo.config.ConfigLoader;
import dev.molo.config.MoloConfig;
import dev.molo.linux.jnr.JnrLinux;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
          + " controllers, molo's native programs, the folders, and the certificates and mirrors of"
          + " certs.d. A daemon that runs is asked whether it is ready and what is slow: pod, step,"
          + " since when, on what it waits. Needs no daemon; run it as root, on the node.",
      "Exit status 1 when something is missing or wrong.",
      ""
    })
final class DoctorCommand implements Callable<Integer> {
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
    List<Check> checks = new ArrayList<>();
    try (JnrLinux linux = JnrLinux.fromProperties()) {
      checks.addAll(new HostChecks(linux, loaded).run());
    }
    checks.addAll(new DaemonChecks(socket(loaded)).run());
    show(checks);
    return checks.stream().allMatch(Check::ok) ? ExitCode.OK : ExitCode.FAILED;
  }

  /** As for the other commands: what is named here, else what the environment names. */
  private Path socket(MoloConfig loaded) {
    boolean named = instance != null || root != null || run != null || config != null;
    return named
        ? loaded.grpc().socket()
        : ConnectionOptions.fromEnvironment().orElse(loaded.grpc().socket());
  }

  private ConfigFlags flags() {
    return new ConfigFlags(
        Optional.ofNullable(instance),
        Optional.ofNullable(root),
        Optional.ofNullable(run),
        Optional.ofNullable(config),
        Optional.empty());
  }

  private void show(List<Check> checks) {
    PrintWriter out = spec.commandLine().getOut();
    if (output.json()) {
      out.println(JsonText.of(checks.stream().map(Check::document).toList()));
      return;
    }
    Table table = new Table("TRIED", "RESULT", "DETAIL");
    checks.forEach(check -> table.row(check.name(), check.ok() ? "ok" : "NO", check.detail()));
    table.print(out);
    List<Check> failed = checks.stream().filter(check -> !check.ok()).toList();
    if (failed.isEmpty()) {
      out.println("%nAll %d tries went well.".formatted(checks.size()));
      return;
    }
    out.println("%n%d of %d tries failed. What to do:".formatted(failed.size(), checks.size()));
    failed.forEach(check -> out.println("- %s: %s".formatted(check.name(), check.remedy())));
  }
}
