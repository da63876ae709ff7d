package dev.molo.app.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What is done with images beyond pulling and listing them; each verb is a class of its own. */
@Command(
    name = "image",
    header = "Name, look into and move images.",
    description = {
      "",
      "These commands but @|bold inspect|@ and @|bold rm|@ talk to a molo daemon through api.sock beside"
          + " its CRI socket; no other runtime understands them. Those two, @|bold molo pull|@ and"
          + " @|bold molo images|@ work with all.",
      ""
    },
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    subcommands = {
      ImageExplainCommand.class,
      ImageInspectCommand.class,
      ImageTagCommand.class,
      ImageUntagCommand.class,
      ImageRmCommand.class,
      ImageDuCommand.class,
      ImageVerifyCommand.class,
      ImageExportCommand.class,
      ImageImportCommand.class,
      ImagePushCommand.class
    })
final class ImageCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "which command?");
  }
}
