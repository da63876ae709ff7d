package dev.molo.image.content;

import java.util.List;

/** The {@code manifest.json} of an archive that {@code docker save} wrote. */
public final class DockerSave {
  private DockerSave() {}

  /**
   * One image.
   *
   * @param config the configuration's file in the archive
   * @param names references
   * @param layers files in the archive, base layer first
   */
  public record Item(String config, List<String> names, List<String> layers) {
    /** Copies its lists. */
    public Item {
      names = List.copyOf(names);
      layers = List.copyOf(layers);
    }
  }

  /** Reads the document; INVALID_ARGUMENT when it is something else. */
  public static List<Item> parse(String what, byte[] bytes) {
    return JsonText.parseArray(what + ", manifest.json", bytes).stream()
        .map(DockerSave::item)
        .toList();
  }

  private static Item item(JsonText json) {
    if (json.text("Config").isEmpty()) {
      throw json.refused("has an item without Config");
    }
    return new Item(json.text("Config"), json.texts("RepoTags"), json.texts("Layers"));
  }
}
