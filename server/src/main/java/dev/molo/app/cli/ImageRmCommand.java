package dev.molo.app.cli;

import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.ImageStatusRequest;
import dev.molo.cri.v1.ImageStatusResponse;
import dev.molo.cri.v1.ListContainersRequest;
import dev.molo.cri.v1.ListImagesRequest;
import dev.molo.cri.v1.RemoveImageRequest;
import dev.molo.fault.FaultException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Removes images. */
@Command(
    name = "rm",
    header = "Remove images, with all their names.",
    description = {
      "",
      "One name is enough to remove an image with all of its names, as CRI has it; @|bold untag|@ takes"
          + " one name away. Containers keep the layers that they run on until they are removed.",
      ""
    })
final class ImageRmCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;

  @Option(
      names = "--unused",
      description = "All images that are not pinned and that no container is made of.")
  private boolean unused;

  @Parameters(arity = "0..*", paramLabel = "IMAGE", description = "Names or ids.")
  private List<String> images = new ArrayList<>();

  private final List<Object> removed = new ArrayList<>();
  private int missing;

  @Override
  public Integer call() {
    if (images.isEmpty() != unused) {
      throw FaultException.invalid("image rm: name images, or give --unused");
    }
    try (CriClient client = connection.connect()) {
      Map<String, Image> chosen = new LinkedHashMap<>();
      (unused ? unused(client) : named(client))
          .forEach(image -> chosen.putIfAbsent(image.getId(), image));
      chosen.values().forEach(image -> remove(client, image));
    }
    if (output.json()) {
      spec.commandLine().getOut().println(JsonText.of(Map.of("removed", removed)));
    }
    return missing == 0 ? ExitCode.OK : ExitCode.NOT_FOUND;
  }

  /** Each is looked for before one goes: two names may be the same image's. */
  private List<Image> named(CriClient client) {
    List<Image> found = new ArrayList<>();
    for (String name : images) {
      ImageStatusRequest request =
          ImageStatusRequest.newBuilder().setImage(ImageSpec.newBuilder().setImage(name)).build();
      ImageStatusResponse response = client.images().imageStatus(request);
      if (response.hasImage()) {
        found.add(response.getImage());
      } else {
        spec.commandLine().getErr().println("molo: image " + name + " is not in the store");
        missing++;
      }
    }
    return found;
  }

  private static List<Image> unused(CriClient client) {
    Set<String> used = new HashSet<>();
    // asked first: an image that a container is made of meanwhile keeps its layers all the same
    client
        .runtime()
        .listContainers(ListContainersRequest.getDefaultInstance())
        .getContainersList()
        .forEach(container -> {
          used.add(container.getImageId());
          used.add(container.getImageRef());
          used.add(container.getImage().getImage());
        });
    return client
        .images()
        .listImages(ListImagesRequest.getDefaultInstance())
        .getImagesList()
        .stream()
        .filter(image -> !image.getPinned() && !used.contains(image.getId()))
        .filter(image -> image.getRepoTagsList().stream().noneMatch(used::contains))
        .filter(image -> image.getRepoDigestsList().stream().noneMatch(used::contains))
        .toList();
  }

  private void remove(CriClient client, Image image) {
    var _ =
        client
            .images()
            .removeImage(
                RemoveImageRequest.newBuilder()
                    .setImage(ImageSpec.newBuilder().setImage(image.getId()))
                    .build());
    if (output.json()) {
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("id", image.getId());
      facts.put("repoTags", image.getRepoTagsList());
      removed.add(facts);
      return;
    }
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "removed " + Shown.briefId(image.getId()) + " " + ImageNames.all(image.getRepoTagsList()));
    out.flush();
  }
}
