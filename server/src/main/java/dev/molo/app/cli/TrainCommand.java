package dev.molo.app.cli;

import dev.molo.fault.FaultException;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The build's training run for the AOT cache of the commands: goes the ways that the commands go,
 * and has a daemon, which is trained meanwhile, live through a pod.
 */
@Command(name = "train", hidden = true, header = "Part of molo's build.")
final class TrainCommand implements Callable<Integer> {
  private static final int START_TRIES = 200;
  private static final String IMAGE = "train.invalid/train:1";

  @Parameters(paramLabel = "DIR", description = "A scratch folder.")
  private Path scratch;

  @Option(
      names = "--pod",
      description = "A daemon starts below the scratch folder meanwhile: run a pod there.")
  private boolean pod;

  @Override
  public Integer call() throws InterruptedException {
    Path socket = scratch.resolve("run/molo.sock");
    if (pod) {
      awaitSocket(socket);
    }
    runCommands(socket.toString());
    if (pod) {
      runPod(socket);
    }
    return ExitCode.OK;
  }

  private static void awaitSocket(Path socket) throws InterruptedException {
    for (int tries = 0; !Files.exists(socket) && tries < START_TRIES; tries++) {
      Thread.sleep(50);
    }
  }

  private static void runCommands(String socket) {
    String[][] commands = {
      {"--help"},
      {"version", "-e", socket, "-o", "json"},
      {"pods", "-e", socket},
      {"ps", "-e", socket, "-a"},
      {"images", "-e", socket, "-o", "json"},
      {"stats", "-e", socket}
    };
    for (String[] command : commands) {
      int status = MoloCommandLine.run(command);
      System.err.println("train: " + command[0] + " ended with status " + status);
    }
  }

  /**
   * What is learnt here makes the first pods quicker; a machine that cannot run one still builds.
   */
  private void runPod(Path socket) {
    try (CriClient client = CriClient.connect(socket, 20)) {
      Path layout = scratch.resolve("image");
      var _ = new TrainingImage(layout);
      MoloCommandLine.run(
          "image", "import", "-e", socket.toString(), "--name", IMAGE, layout.toString());
      new TrainingPod(client, scratch).live(IMAGE);
    } catch (FaultException | StatusRuntimeException | IOException e) {
      System.err.println("train: no pod was run: " + e.getMessage());
    }
  }
}
