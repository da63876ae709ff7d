package dev.molo.app.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The program itself: says what it offers when no command is named. */
@Command(
    name = "molo",
    header = "A Kubernetes CRI node daemon, and the commands to look at it and drive it.",
    description = {
      "",
      "The daemon is @|bold molo serve|@. The other commands talk to a daemon through its CRI socket"
          + " (--endpoint, CONTAINER_RUNTIME_ENDPOINT, or that of --instance), and work against other"
          + " CRI runtimes where that makes sense.",
      ""
    },
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:tried and failed; stderr says why",
      "2:wrong command line, manifest or configuration; nothing was tried",
      "3:no such pod, container or image",
      "4:no daemon answers at the endpoint",
      "N:molo exec passes on the exit code of the program it ran"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  molo serve                                  start the daemon (as root)",
      "  molo doctor                                 is this host all right, and the daemon?",
      "  molo run -f pod.yaml                        run a Kubernetes Pod manifest",
      "  molo ps                                     what runs",
      "  molo logs -f web/nginx                      follow a container's log",
      "  molo exec web/nginx -- nginx -t             run a program in a container",
      "  source <(molo completion)                   completion for bash and zsh"
    })
final class MoloCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "which command?");
  }
}
