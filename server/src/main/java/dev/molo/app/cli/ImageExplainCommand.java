package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.molo.fault.Fault;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says what a pull would do. */
@Command(
    name = "explain",
    header = "Say what a pull would do, without fetching a layer.",
    description = {
      "",
      "Which reference is meant, which hosts.toml applies, what each mirror and the registry answer,"
          + " where the credentials come from (never what they are), the platform and why, each layer"
          + " and whether it is here, what there is to download and room for it, and whether policy"
          + " and verifiers would let the image in. Ends as the pull would.",
      ""
    })
final class ImageExplainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;
  @Mixin private RemoteImage image;

  @Override
  public Integer call() {
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("image", image.name());
    image
        .login()
        .ifPresent(who -> {
          request.put("username", who.username());
          request.put("password", who.password());
        });
    JsonNode told;
    try (ApiClient api = connection.api()) {
      told = api.post("/v1/images/explain", request);
    }
    if (output.json()) {
      spec.commandLine().getOut().println(told.toPrettyString());
    } else {
      show(told);
    }
    JsonNode failure = told.path("failure");
    return failure.isObject()
        ? MoloCommandLine.refusal(Fault.valueOf(failure.path("code").asText()))
        : ExitCode.OK;
  }

  private void show(JsonNode told) {
    PrintWriter out = spec.commandLine().getOut();
    Table facts = Table.untitled();
    facts.row("reference", told.path("reference").asText());
    facts.row("hosts by", told.path("hostsFile").asText("no file: the registry itself"));
    facts.row("credentials", told.path("credentials").asText());
    JsonNode found = told.path("image");
    if (found.isObject()) {
      facts.row("digest", found.path("digest").asText());
      facts.row("manifest", found.path("manifest").asText());
      facts.row("image id", found.path("id").asText("not known"));
      facts.row("platform", found.path("platform").asText() + ": " + found.path("why").asText());
    }
    facts.print(out);
    hosts(told, out);
    if (!told.path("layers").isEmpty()) {
      layers(told, out);
    }
    judgements(told, out);
    JsonNode failure = told.path("failure");
    out.println();
    out.println(
        failure.isObject() ? "a pull would fail: " + words(failure) : "a pull would succeed");
  }

  /** As the pull would say it, with the word that the kubelet knows. */
  private static String words(JsonNode failure) {
    String reason =
        failure.path("reason").isTextual() ? failure.path("reason").asText() + ": " : "";
    return "%s%s (%s)"
        .formatted(reason, failure.path("message").asText(), failure.path("code").asText());
  }

  private static void hosts(JsonNode told, PrintWriter out) {
    if (told.path("hosts").isEmpty()) {
      return;
    }
    out.println();
    Table table = new Table("HOST", "", "ASKED FOR", "TIME", "OUTCOME");
    for (JsonNode host : told.path("hosts")) {
      table.row(
          host.path("host").asText(),
          host.path("mirror").asBoolean() ? "mirror" : "registry",
          host.path("asked").asText(),
          host.path("milliseconds").asLong() + " ms",
          host.path("outcome").asText());
    }
    table.print(out);
  }

  private static void layers(JsonNode told, PrintWriter out) {
    out.println();
    Table table = new Table("LAYER", "SIZE", "", "TYPE");
    for (JsonNode layer : told.path("layers")) {
      table.row(
          Shown.briefId(layer.path("digest").asText()),
          Shown.bytes(layer.path("size").asLong()),
          layer.path("here").asBoolean() ? "here" : "to fetch",
          layer.path("mediaType").asText());
    }
    table.print(out);
    if (told.path("downloadBytes").asLong() == 0) {
      out.println();
      out.println("nothing to download: every layer is here");
      return;
    }
    long needed = told.path("unpackBytesEstimate").asLong();
    long free = told.path("freeBytes").asLong();
    out.println();
    out.println(
        "%s to download, about %s unpacked; %s free%s"
            .formatted(
                Shown.bytes(told.path("downloadBytes").asLong()),
                Shown.bytes(needed),
                Shown.bytes(free),
                needed > free ? ": likely not enough" : ""));
  }

  private static void judgements(JsonNode told, PrintWriter out) {
    out.println();
    for (JsonNode judgement : told.path("judgements")) {
      out.println(
          "%s %s: %s"
              .formatted(
                  judgement.path("judge").asText(),
                  judgement.path("admitted").asBoolean() ? "admits" : "refuses",
                  judgement.path("reason").asText()));
    }
  }
}
