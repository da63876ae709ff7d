package dev.molo.app.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints the completion script. */
@Command(
    name = "completion",
    header = "Print a completion script for bash and zsh.",
    description = {
      "",
      "For this shell: @|bold source <(molo completion)|@. For all: put the output into"
          + " /etc/bash_completion.d/molo.",
      ""
    })
final class CompletionCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    spec.commandLine().getOut().print(AutoComplete.bash("molo", MoloCommandLine.whole()));
    spec.commandLine().getOut().flush();
    return ExitCode.OK;
  }
}
