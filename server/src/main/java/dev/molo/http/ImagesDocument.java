package dev.molo.http;

import dev.molo.image.Image;
import dev.molo.image.Images;
import dev.molo.image.PullProgress;
import dev.molo.image.Usage;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Locale;

/** {@code /v1/images}. */
final class ImagesDocument {
  private ImagesDocument() {}

  static JsonObject of(Images images) {
    JsonArray items = new JsonArray();
    images.list().forEach(image -> items.add(image(image)));
    JsonArray pulling = new JsonArray();
    images.pulling().forEach(progress -> pulling.add(progress(progress)));
    Usage usage = images.usage();
    return new JsonObject()
        .put("images", items)
        .put("pulling", pulling)
        .put(
            "usage",
            new JsonObject()
                .put("path", usage.mountpoint().toString())
                .put("bytes", usage.bytes())
                .put("inodes", usage.inodes())
                .put("at", usage.timestamp().toString()));
  }

  static JsonObject image(Image image) {
    JsonArray layers = new JsonArray();
    image.layers().forEach(layer -> layers.add(layer.toString()));
    return new JsonObject()
        .put("id", image.id().toString())
        .put("repoTags", new JsonArray(image.repoTags()))
        .put("repoDigests", new JsonArray(image.repoDigests()))
        .put("size", image.size())
        .put("pinned", image.pinned())
        .put("created", image.created().toString())
        .put("platform", image.platform().toString())
        .put("layers", layers);
  }

  static JsonObject progress(PullProgress progress) {
    JsonArray layers = new JsonArray();
    for (PullProgress.Layer layer : progress.layers()) {
      layers.add(
          new JsonObject()
              .put("digest", layer.digest().toString())
              .put("stage", word(layer.stage()))
              .put("bytes", layer.bytes())
              .put("totalBytes", layer.totalBytes())
              .put("bytesPerSecond", layer.bytesPerSecond()));
    }
    return new JsonObject()
        .put("reference", progress.reference())
        .put("stage", word(progress.stage()))
        .put("since", progress.since().toString())
        .put("layers", layers);
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
