package dev.molo.image;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * An image in the store, whole and synced. An immutable snapshot: a later pull or removal makes a
 * new one.
 *
 * @param id digest of the configuration document; CRI's {@code Image.id}, {@code image_id} and
 *     PullImage's result
 * @param repoTags {@code docker.io/library/nginx:latest}, sorted; empty for an image without a tag
 * @param repoDigests {@code docker.io/library/nginx@sha256:…}, sorted; empty for an image that came
 *     from an archive without manifest digest
 * @param size bytes of its unpacked layers, each layer counted in full though others may share it
 * @param pinned kept from the kubelet's garbage collection
 * @param config what the image says about its container
 * @param platform what it was built for
 * @param created when its author says it was built; the epoch when it does not say
 * @param layers diffIDs, base layer first
 * @param annotations of CRI's ImageSpec at the last pull
 */
public record Image(
    ImageId id,
    List<String> repoTags,
    List<String> repoDigests,
    long size,
    boolean pinned,
    ImageConfig config,
    Platform platform,
    Instant created,
    List<Digest> layers,
    Map<String, String> annotations) {

  /** Copies its collections. */
  public Image {
    repoTags = List.copyOf(repoTags);
    repoDigests = List.copyOf(repoDigests);
    layers = List.copyOf(layers);
    annotations = Map.copyOf(annotations);
  }

  /** CRI's {@code image_ref}: {@code repository@digest}, or the id for an image that has none. */
  public String imageRef() {
    return repoDigests.isEmpty() ? id.toString() : repoDigests.getFirst();
  }
}
