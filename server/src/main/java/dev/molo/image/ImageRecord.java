package dev.molo.image;

import dev.molo.image.content.ConfigDocument;
import dev.molo.image.content.Content;
import dev.molo.image.layer.LayerStore;
import java.util.List;
import java.util.Map;

/**
 * What is kept of an image on disk.
 *
 * @param tags {@code name:tag}, sorted
 * @param digests {@code name@digest}, sorted
 * @param document the configuration, read
 * @param config the configuration's own bytes, whose digest is the id
 * @param manifest the manifest's own bytes
 * @param annotations of CRI's ImageSpec at the last pull
 */
record ImageRecord(
    List<String> tags,
    List<String> digests,
    ConfigDocument document,
    Content config,
    Content manifest,
    Map<String, String> annotations) {

  ImageRecord {
    tags = List.copyOf(tags);
    digests = List.copyOf(digests);
    annotations = Map.copyOf(annotations);
  }

  ImageId id() {
    return document.id();
  }

  /** The same image under other names. */
  ImageRecord named(List<String> newTags, List<String> newDigests) {
    return new ImageRecord(newTags, newDigests, document, config, manifest, annotations);
  }

  /** The same image without one of its tags or digests. */
  ImageRecord without(String name) {
    return named(
        tags.stream().filter(t -> !t.equals(name)).toList(),
        digests.stream().filter(d -> !d.equals(name)).toList());
  }

  /** As callers see it. */
  Image image(LayerStore layers, boolean pinned) {
    long size =
        document.diffIds().stream()
            .distinct()
            .flatMap(d -> layers.find(d).stream())
            .mapToLong(l -> l.bytes())
            .sum();
    return new Image(
        id(),
        tags,
        digests,
        size,
        pinned,
        document.config(),
        document.platform(),
        document.created(),
        document.diffIds(),
        annotations);
  }
}
