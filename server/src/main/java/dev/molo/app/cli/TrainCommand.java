package dev.molo.app.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * The build's training run for the AOT cache: goes the ways that a start of the daemon and the
 * read-only commands go, so that the classes on them are in the cache.
 */
@Command(name = "train", hidden = true, header = "Part of molo's build.")
final class TrainCommand implements Callable<Integer> {
  @Parameters(paramLabel = "DIR", description = "A scratch folder.")
  private Path scratch;

  @Override
  public Integer call() {
    String socket = scratch.resolve("run/molo.sock").toString();
    MoloCommandLine.run("--help");
    return MoloCommandLine.run("version", "-e", socket, "-o", "json");
  }
}
