package dev.molo.app.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ListImagesRequest;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists images. */
@Command(
    name = "images",
    header = "List images.",
    description = {"", "One line for each tag; SIZE is that of the unpacked layers.", ""})
final class ImagesCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;

  @Option(
      names = {"-q", "--quiet"},
      description = "Only whole ids.")
  private boolean quiet;

  @Option(
      names = "--pulling",
      description = "Pulls and imports under way instead: each layer's stage, bytes and rate.")
  private boolean pulling;

  @Override
  public Integer call() {
    if (pulling) {
      return showPulling();
    }
    try (CriClient client = connection.connect()) {
      List<Image> images =
          client.images().listImages(ListImagesRequest.getDefaultInstance()).getImagesList();
      if (quiet) {
        images.forEach(image -> spec.commandLine().getOut().println(image.getId()));
      } else {
        show(images);
      }
    }
    return ExitCode.OK;
  }

  private int showPulling() {
    HttpAddress http =
        HttpAddress.of(connection.socket().getParent())
            .orElseThrow(() ->
                FaultException.precondition(
                    "images --pulling: the daemon serves no HTTP, where pulls under way are told"));
    try {
      JsonNode document = new ObjectMapper().readTree(http.get("/v1/images"));
      PrintWriter out = spec.commandLine().getOut();
      if (output.json()) {
        JsonNode only =
            new ObjectMapper().createObjectNode().set("pulling", document.path("pulling"));
        out.println(only.toPrettyString());
      } else {
        PullProgressView.lines(document).forEach(out::println);
      }
      return ExitCode.OK;
    } catch (JsonProcessingException e) {
      throw new FaultException(Fault.INTERNAL, "images --pulling: the answer is not JSON", e);
    }
  }

  private void show(List<Image> images) {
    Table table = new Table("IMAGE", "ID", "SIZE", "");
    List<Object> items = new ArrayList<>();
    for (Image image : images) {
      for (String name : names(image)) {
        table.row(
            name,
            Shown.briefId(image.getId()),
            Shown.bytes(image.getSize()),
            image.getPinned() ? "pinned" : "");
      }
      items.add(facts(image));
    }
    if (output.json()) {
      spec.commandLine().getOut().println(JsonText.of(Map.of("images", items)));
    } else {
      table.print(spec.commandLine().getOut());
    }
  }

  private static List<String> names(Image image) {
    if (image.getRepoTagsCount() > 0) {
      return image.getRepoTagsList();
    }
    return image.getRepoDigestsCount() > 0 ? image.getRepoDigestsList() : List.of("<none>");
  }

  private static Map<String, Object> facts(Image image) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("id", image.getId());
    facts.put("repoTags", image.getRepoTagsList());
    facts.put("repoDigests", image.getRepoDigestsList());
    facts.put("size", image.getSize());
    facts.put("pinned", image.getPinned());
    return facts;
  }
}
