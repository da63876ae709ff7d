package dev.molo.app.cli;

import dev.molo.cri.v1.ExecSyncRequest;
import dev.molo.cri.v1.ExecSyncResponse;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs a program in a container and shows what it said when it has ended. */
@Command(
    name = "exec",
    header = "Run a program in a container.",
    description = {
      "",
      "Output is collected and shown when the program has ended, at most 16 MiB of each stream"
          + " (CRI's ExecSync). The exit code is the program's. Interactive sessions (-i, -t) need"
          + " streaming, which is not built yet.",
      "",
      "Options end where the container is named: @|bold molo exec web/nginx -- ls -l|@.",
      ""
    })
final class ExecCommand implements Callable<Integer> {
  @Mixin private ConnectionOptions connection;

  @Option(
      names = "--limit",
      paramLabel = "SECONDS",
      defaultValue = "0",
      description = "End the program and all it started after this time. Default: 0, never.")
  private long limitSeconds;

  @Option(
      names = {"-i", "--stdin"},
      description = "Not available yet: needs streaming.")
  private boolean stdin;

  @Option(
      names = {"-t", "--tty"},
      description = "Not available yet: needs streaming.")
  private boolean tty;

  @Parameters(index = "0", paramLabel = "CONTAINER", description = Targets.HELP)
  private String container;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "PROGRAM",
      description = "The program and its arguments.")
  private List<String> command;

  @Override
  public Integer call() throws IOException {
    if (stdin || tty) {
      throw FaultException.unimplemented(
          "exec %s in %s: -i and -t need CRI's streaming Exec, which is not built yet; without"
              + " them the program runs with its output collected",
          command.getFirst(), container);
    }
    try (CriClient client = connection.connect()) {
      ExecSyncRequest request =
          ExecSyncRequest.newBuilder()
              .setContainerId(Targets.of(client).container(container).getId())
              .addAllCmd(command)
              .setTimeout(limitSeconds)
              .build();
      ExecSyncResponse said = client.runtimeWithoutDeadline().execSync(request);
      write(System.out, said.getStdout().toByteArray());
      write(System.err, said.getStderr().toByteArray());
      return said.getExitCode();
    }
  }

  private static void write(PrintStream stream, byte[] bytes) throws IOException {
    stream.write(bytes);
    stream.flush();
  }
}
