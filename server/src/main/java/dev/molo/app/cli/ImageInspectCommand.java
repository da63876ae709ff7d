package dev.molo.app.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.ImageStatusRequest;
import dev.molo.cri.v1.ImageStatusResponse;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows all that is known of an image. */
@Command(
    name = "inspect",
    header = "Show an image's names, configuration and layers, as JSON.",
    description = "")
final class ImageInspectCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;

  @Parameters(paramLabel = "IMAGE", description = "A name or id of an image here.")
  private String name;

  @Override
  public Integer call() {
    ImageStatusRequest request =
        ImageStatusRequest.newBuilder()
            .setImage(ImageSpec.newBuilder().setImage(name))
            .setVerbose(true)
            .build();
    ImageStatusResponse response;
    try (CriClient client = connection.connect()) {
      response = client.images().imageStatus(request);
    }
    if (!response.hasImage()) {
      throw FaultException.notFound("image %s is not in the store", name);
    }
    spec.commandLine().getOut().println(document(response).toPrettyString());
    return ExitCode.OK;
  }

  /** CRI's verbose information is of each runtime's own making; ours is one JSON object. */
  private static ObjectNode document(ImageStatusResponse response) {
    ObjectMapper mapper = new ObjectMapper();
    Image image = response.getImage();
    ObjectNode document = mapper.createObjectNode();
    document.put("id", image.getId());
    image.getRepoTagsList().forEach(document.putArray("repoTags")::add);
    image.getRepoDigestsList().forEach(document.putArray("repoDigests")::add);
    document.put("size", image.getSize());
    document.put("pinned", image.getPinned());
    ObjectNode info = document.putObject("info");
    for (Map.Entry<String, String> one : response.getInfoMap().entrySet()) {
      JsonNode parsed = parsed(mapper, one.getValue());
      if (one.getKey().equals("info") && parsed instanceof ObjectNode all) {
        info.setAll(all);
      } else {
        info.set(one.getKey(), parsed);
      }
    }
    return document;
  }

  private static JsonNode parsed(ObjectMapper mapper, String text) {
    if (!text.startsWith("{")) {
      return mapper.getNodeFactory().textNode(text);
    }
    try {
      return mapper.readTree(text);
    } catch (JsonProcessingException e) {
      throw new FaultException(Fault.INTERNAL, "read what the runtime says: " + e.getMessage(), e);
    }
  }
}
