package dev.molo.app.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ListImagesRequest;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
      showPulling();
      return ExitCode.OK;
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

  private void showPulling() {
    JsonNode document;
    try (ApiClient api = connection.api()) {
      document = api.get("/v1/images");
    }
    PrintWriter out = spec.commandLine().getOut();
    if (output.json()) {
      out.println(
          JsonNodeFactory.instance
              .objectNode()
              .set("pulling", document.path("pulling"))
              .toPrettyString());
    } else {
      PullProgressView.lines(document, _ -> true).forEach(out::println);
    }
  }

  private void show(List<Image> images) {
    Table table = new Table("IMAGE", "ID", "SIZE", "");
    Map<String, Image> byName = new TreeMap<>();
    List<Object> items = new ArrayList<>();
    for (Image image : images) {
      names(image).forEach(name -> byName.put(name + " " + image.getId(), image));
      items.add(facts(image));
    }
    byName.forEach((name, image) ->
        table.row(
            name.substring(0, name.indexOf(' ')),
            Shown.briefId(image.getId()),
            Shown.bytes(image.getSize()),
            image.getPinned() ? "pinned" : ""));
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
