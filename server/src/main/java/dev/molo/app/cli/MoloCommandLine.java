package dev.molo.app.cli;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Finds the command that the words name and runs it. Only that command's class is loaded and looked
 * through, because reading the annotations of all of them would take longer than most commands.
 */
public final class MoloCommandLine {
  private static final Map<String, Supplier<Object>> COMMANDS = commands();

  private MoloCommandLine() {}

  /**
   * Runs a command to its end, on the caller's thread.
   *
   * @return the exit status
   */
  public static int run(String... args) {
    return assemble(args).execute(args);
  }

  /** The same with its words going elsewhere than to the process's own streams. */
  static int run(PrintWriter out, PrintWriter err, String... args) {
    return assemble(args).setOut(out).setErr(err).execute(args);
  }

  /** With every command, for help and completion. */
  static CommandLine whole() {
    return configured(COMMANDS);
  }

  private static CommandLine assemble(String... args) {
    Optional<String> named = Arrays.stream(args).filter(arg -> !arg.startsWith("-")).findFirst();
    return named
        .filter(COMMANDS::containsKey)
        .map(name -> configured(Map.of(name, COMMANDS.get(name))))
        .orElseGet(MoloCommandLine::whole);
  }

  private static CommandLine configured(Map<String, Supplier<Object>> commands) {
    CommandLine line = new CommandLine(new MoloCommand());
    commands.forEach((name, command) -> line.addSubcommand(name, command.get()));
    offerHelp(line);
    line.setExecutionExceptionHandler((thrown, at, parsed) -> failed(thrown, at.getErr()));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpAutoWidth(true);
    line.setExpandAtFiles(false);
    return line;
  }

  private static void offerHelp(CommandLine line) {
    line.getCommandSpec().addMixin("help", CommandSpec.forAnnotatedObject(new HelpOption()));
    line.getSubcommands().values().forEach(MoloCommandLine::offerHelp);
  }

  private static Map<String, Supplier<Object>> commands() {
    Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
    commands.put("serve", ServeCommand::new);
    commands.put("doctor", DoctorCommand::new);
    commands.put("run", RunCommand::new);
    commands.put("rm", RmCommand::new);
    commands.put("pods", PodsCommand::new);
    commands.put("ps", PsCommand::new);
    commands.put("logs", LogsCommand::new);
    commands.put("exec", ExecCommand::new);
    commands.put("stats", StatsCommand::new);
    commands.put("images", ImagesCommand::new);
    commands.put("pull", PullCommand::new);
    commands.put("image", ImageCommand::new);
    commands.put("commit", CommitCommand::new);
    commands.put("completion", CompletionCommand::new);
    commands.put("version", VersionCommand::new);
    commands.put("train", TrainCommand::new);
    return commands;
  }

  /** One sentence instead of a stack trace; a bug keeps its trace. */
  static int failed(Exception thrown, PrintWriter err) {
    return switch (thrown) {
      case FaultException fault -> {
        err.println("molo: " + fault.getMessage());
        yield exitCode(fault.kind());
      }
      case RefusedException refused -> {
        err.println("molo: %s (%s)".formatted(refused.getMessage(), refused.kind()));
        yield refusal(refused.kind());
      }
      case StatusRuntimeException refused -> {
        Status status = refused.getStatus();
        err.println(
            "molo: %s (%s)"
                .formatted(
                    Optional.ofNullable(status.getDescription()).orElse("no message"),
                    status.getCode()));
        yield exitCode(status.getCode());
      }
      default -> {
        thrown.printStackTrace(err);
        yield ExitCode.FAILED;
      }
    };
  }

  /** Of what this program finds out by itself. */
  private static int exitCode(Fault kind) {
    return kind == Fault.UNAVAILABLE ? ExitCode.UNREACHABLE : refusal(kind);
  }

  /** Of what a daemon says: one that answers is there, whatever it cannot reach itself. */
  static int refusal(Fault kind) {
    return switch (kind) {
      case INVALID_ARGUMENT -> ExitCode.USAGE;
      case NOT_FOUND -> ExitCode.NOT_FOUND;
      case UNAVAILABLE,
          FAILED_PRECONDITION,
          UNAUTHENTICATED,
          PERMISSION_DENIED,
          RESOURCE_EXHAUSTED,
          DEADLINE_EXCEEDED,
          CANCELLED,
          UNIMPLEMENTED,
          INTERNAL ->
          ExitCode.FAILED;
    };
  }

  /** The same over gRPC, whose codes are more. */
  private static int exitCode(Status.Code code) {
    return Arrays.stream(Fault.values())
        .filter(kind -> kind.name().equals(code.name()))
        .findFirst()
        .map(MoloCommandLine::refusal)
        .orElse(ExitCode.FAILED);
  }
}
