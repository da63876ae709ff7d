package dev.molo.app.cli;

import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ContainerStatus;
import dev.molo.cri.v1.ContainerStatusRequest;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows a container's log. */
@Command(
    name = "logs",
    header = "Show a container's log.",
    description = {
      "",
      "Reads the log file that the container's status names, so it works on the daemon's own host"
          + " only. What the container wrote to stderr goes to stderr. Following goes on across a"
          + " rotation of the file and ends when the container has.",
      ""
    })
final class LogsCommand implements Callable<Integer> {
  @Mixin private ConnectionOptions connection;

  @Option(
      names = {"-f", "--follow"},
      description = "Go on until the container ends.")
  private boolean follow;

  @Option(
      names = {"-t", "--timestamps"},
      description = "Begin each line with its time.")
  private boolean timestamps;

  @Option(
      names = {"-n", "--tail"},
      paramLabel = "LINES",
      defaultValue = "-1",
      description = "Begin with the last LINES lines. Default: all.")
  private long tail;

  @Parameters(paramLabel = "CONTAINER", description = Targets.HELP)
  private String container;

  @Override
  public Integer call() throws IOException, InterruptedException {
    try (CriClient client = connection.connect()) {
      String id = Targets.of(client).container(container).getId();
      String path = status(client, id).getLogPath();
      if (path.isEmpty()) {
        throw FaultException.precondition("container %s has no log: it was made without one", id);
      }
      Path file = Path.of(path);
      if (!Files.exists(file) && !follow) {
        throw new FaultException(
            Fault.NOT_FOUND, "log of container %s: %s does not exist".formatted(id, file));
      }
      print(client, id, file);
    }
    return ExitCode.OK;
  }

  private void print(CriClient client, String id, Path file)
      throws IOException, InterruptedException {
    OutputStream out = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16);
    OutputStream err = new BufferedOutputStream(new FileOutputStream(FileDescriptor.err), 1 << 13);
    LogPrinter printer = new LogPrinter(out, err, timestamps);
    try (LogFollower follower = new LogFollower(file, printer)) {
      follower.begin(tail);
      while (follow && mayWriteMore(client, id)) {
        // as long as there is something to read there is no need to ask how the container is
        while (follower.pump()) {
          printer.flush();
        }
        Thread.sleep(200);
      }
      // more than once: what is read last may have been the file before a rotation
      boolean more = true;
      while (more) {
        more = follower.pump();
      }
    } finally {
      printer.flush();
    }
  }

  private static boolean mayWriteMore(CriClient client, String id) {
    ContainerState state = status(client, id).getState();
    return state == ContainerState.CONTAINER_RUNNING || state == ContainerState.CONTAINER_CREATED;
  }

  private static ContainerStatus status(CriClient client, String id) {
    return client
        .runtime()
        .containerStatus(ContainerStatusRequest.newBuilder().setContainerId(id).build())
        .getStatus();
  }
}
