package dev.molo.app.cli;

import dev.molo.app.ProgramVersion;
import dev.molo.cri.v1.VersionRequest;
import dev.molo.cri.v1.VersionResponse;
import dev.molo.fault.FaultException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** This program's version and, when it answers, the daemon's. */
@Command(
    name = "version",
    header = "Show the version of this program and of the daemon.",
    description = {"", "Succeeds without a daemon: then only this program's version is shown.", ""})
final class VersionCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("client", ProgramVersion.text());
    facts.put("java", Runtime.version().toString());
    try (CriClient client = connection.connect()) {
      VersionResponse daemon =
          client.runtime().version(VersionRequest.newBuilder().setVersion("v1").build());
      facts.put("endpoint", client.endpoint());
      facts.put("runtime", daemon.getRuntimeName());
      facts.put("runtimeVersion", daemon.getRuntimeVersion());
      facts.put("runtimeApiVersion", daemon.getRuntimeApiVersion());
    } catch (FaultException e) {
      // a version is worth showing without a daemon
      facts.put("runtime", e.getMessage());
    }
    PrintWriter out = spec.commandLine().getOut();
    if (output.json()) {
      out.println(JsonText.of(facts));
    } else {
      facts.forEach((name, value) -> out.println("%-18s %s".formatted(name + ":", value)));
    }
    return ExitCode.OK;
  }
}
