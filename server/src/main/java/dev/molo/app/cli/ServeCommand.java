package dev.molo.app.cli;

import dev.molo.app.Daemon;
import dev.molo.config.ConfigFlags;
import dev.molo.config.ConfigLoader;
import dev.molo.config.MoloConfig;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Starts the daemon, or only checks its configuration. */
@Command(
    name = "serve",
    header = "Run the daemon.",
    description = {
      "",
      "Runs in the foreground until SIGTERM or SIGINT; the pods go on without it. Under systemd it"
          + " says when it is ready (sd_notify). Needs root.",
      "",
      "Whatever the host can see of a daemon (bridge, address pool, nftables table, cgroups,"
          + " sockets, folders) carries its instance's name, so several live side by side.",
      ""
    })
final class ServeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--instance",
      paramLabel = "NAME",
      description = "The daemon's name: 1 to 32 of a-z, 0-9 and '-'. Default: molo.")
  private String instance;

  @Option(
      names = "--root",
      paramLabel = "DIR",
      description =
          "Images, pods and their writable layers. Default: /var/lib/molo, /var/lib/molo-NAME.")
  private Path root;

  @Option(
      names = "--run",
      paramLabel = "DIR",
      description =
          "Sockets and exits, on a tmpfs; the CRI socket is DIR/molo.sock. Default: /run/molo,"
              + " /run/molo-NAME.")
  private Path run;

  @Option(
      names = "--config",
      paramLabel = "DIR",
      description = "The folder of config.yaml and config.d/*.yaml. Default: /etc/molo.")
  private Path config;

  @Option(
      names = "--http",
      paramLabel = "HOST:PORT",
      description =
          "Where HTTP is served, or off. Port 0 lets the kernel choose; the address stands in"
              + " RUN/http.address. Default: 127.0.0.1:7780, another instance's port is chosen by the"
              + " kernel.")
  private String http;

  @Option(
      names = "--check",
      description = "Only read the configuration, say what is wrong with it, and end.")
  private boolean check;

  @Override
  public Integer call() {
    MoloConfig loaded = ConfigLoader.load(flags());
    if (check) {
      spec.commandLine()
          .getOut()
          .println(
              "configuration in %s is good: instance %s, root %s, run %s"
                  .formatted(loaded.configDir(), loaded.instance(), loaded.root(), loaded.run()));
      return ExitCode.OK;
    }
    return Daemon.run(loaded);
  }

  /** What was said on the command line. */
  ConfigFlags flags() {
    return new ConfigFlags(
        Optional.ofNullable(instance),
        Optional.ofNullable(root),
        Optional.ofNullable(run),
        Optional.ofNullable(config),
        Optional.ofNullable(http));
  }
}
