package dev.molo.http;

import dev.molo.image.Digest;
import dev.molo.image.Image;
import dev.molo.image.ImageOperations;
import dev.molo.image.Images;
import dev.molo.image.LayerUse;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code /v1/layers}: each layer, what it takes and why it is kept; each image, and how much of it
 * would come free with it.
 */
final class LayersDocument {
  private LayersDocument() {}

  static JsonObject of(ImageOperations operations, Images images) {
    List<LayerUse> layers = operations.layers();
    List<Image> all = images.list();
    Map<Digest, Integer> users = new HashMap<>();
    all.forEach(
        image -> image.layers().stream().distinct().forEach(d -> users.merge(d, 1, Integer::sum)));
    Map<Digest, Long> sizes = new HashMap<>();
    JsonArray items = new JsonArray();
    for (LayerUse layer : layers) {
      sizes.put(layer.diffId(), layer.bytes());
      items.add(layer(layer));
    }
    JsonArray shares = new JsonArray();
    all.forEach(image -> shares.add(image(image, users, sizes)));
    return new JsonObject().put("layers", items).put("images", shares);
  }

  private static JsonObject layer(LayerUse layer) {
    JsonObject object =
        new JsonObject()
            .put("diffId", layer.diffId().toString())
            .put("bytes", layer.bytes())
            .put("inodes", layer.inodes())
            .put("keptBy", new JsonArray(layer.keptBy()));
    layer.idle().ifPresent(idle -> object.put("idleSeconds", idle.toSeconds()));
    return object;
  }

  private static JsonObject image(
      Image image, Map<Digest, Integer> users, Map<Digest, Long> sizes) {
    long own =
        image.layers().stream()
            .distinct()
            .filter(d -> users.get(d) == 1)
            .mapToLong(d -> sizes.getOrDefault(d, 0L))
            .sum();
    return new JsonObject()
        .put("id", image.id().toString())
        .put("repoTags", new JsonArray(image.repoTags()))
        .put("bytes", image.size())
        .put("ownBytes", own)
        .put("sharedBytes", image.size() - own);
  }
}
