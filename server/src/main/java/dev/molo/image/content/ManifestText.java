package dev.molo.image.content;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.molo.image.Digest;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * Writes the documents of an image: manifests and indexes of OCI image-spec, docker save's list.
 */
public final class ManifestText {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private ManifestText() {}

  /** An image's manifest. */
  public static Content manifest(
      Descriptor config, List<Descriptor> layers, Map<String, String> annotations) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("schemaVersion", 2).put("mediaType", MediaTypes.OCI_MANIFEST);
    put(json.putObject("config"), config);
    ArrayNode list = json.putArray("layers");
    layers.forEach(layer -> put(list.addObject(), layer));
    putAll(json, annotations);
    return content(json);
  }

  /** The index.json of an image layout. */
  public static Content index(List<Descriptor> manifests) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("schemaVersion", 2).put("mediaType", MediaTypes.OCI_INDEX);
    ArrayNode list = json.putArray("manifests");
    manifests.forEach(manifest -> put(list.addObject(), manifest));
    return content(json);
  }

  /** The oci-layout of an image layout. */
  public static Content layout() {
    return content(MAPPER.createObjectNode().put("imageLayoutVersion", "1.0.0"));
  }

  /** docker save's manifest.json. */
  public static Content dockerSave(List<DockerSave.Item> items) {
    ArrayNode list = MAPPER.createArrayNode();
    for (DockerSave.Item item : items) {
      ObjectNode one = list.addObject().put("Config", item.config());
      item.names().forEach(one.putArray("RepoTags")::add);
      item.layers().forEach(one.putArray("Layers")::add);
    }
    return content(list);
  }

  /** An image's configuration with one more layer. */
  public static Content committed(
      Content config, Digest diffId, Instant now, String author, String comment) {
    try {
      ObjectNode json = (ObjectNode) MAPPER.readTree(config.bytes());
      json.put("created", now.toString());
      // an image without layers need not have the list
      ObjectNode rootfs = (ObjectNode) json.path("rootfs");
      (rootfs.path("diff_ids") instanceof ArrayNode all ? all : rootfs.putArray("diff_ids"))
          .add(diffId.toString());
      ObjectNode step =
          (json.path("history") instanceof ArrayNode history ? history : json.putArray("history"))
              .addObject();
      step.put("created", now.toString()).put("created_by", "molo commit");
      if (!author.isEmpty()) {
        json.put("author", author);
        step.put("author", author);
      }
      if (!comment.isEmpty()) {
        step.put("comment", comment);
      }
      return content(json);
    } catch (IOException e) {
      throw new IllegalStateException("a configuration of the store has been read before", e);
    }
  }

  private static void put(ObjectNode json, Descriptor descriptor) {
    json.put("mediaType", descriptor.mediaType())
        .put("digest", descriptor.digest().toString())
        .put("size", descriptor.size());
    putAll(json, descriptor.annotations());
  }

  /** Sorted, so that the same image makes the same bytes. */
  private static void putAll(ObjectNode json, Map<String, String> annotations) {
    if (!annotations.isEmpty()) {
      ObjectNode all = json.putObject("annotations");
      new java.util.TreeMap<>(annotations).forEach(all::put);
    }
  }

  private static Content content(Object json) {
    try {
      return Content.of(MAPPER.writeValueAsBytes(json));
    } catch (IOException e) {
      throw new IllegalStateException("a tree of strings and numbers can always be written", e);
    }
  }
}
