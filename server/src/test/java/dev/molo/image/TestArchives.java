package dev.molo.image;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Archives of one image. */
public final class TestArchives {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private TestArchives() {}

  /** A tar of an OCI image layout. */
  public static byte[] oci(TestImage image, String refName) {
    byte[] manifest = image.manifestBytes();
    ObjectNode index = MAPPER.createObjectNode().put("schemaVersion", 2);
    ObjectNode descriptor = index.putArray("manifests").addObject();
    descriptor
        .put("mediaType", image.mediaType())
        .put("size", manifest.length)
        .put("digest", Digest.ofBytes(manifest).toString())
        .putObject("annotations")
        .put("org.opencontainers.image.ref.name", refName);
    TarBytes tar = new TarBytes();
    tar.add(TarBytes.file("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"));
    tar.add(TarBytes.file("./index.json", index.toString()));
    tar.add(blob(Digest.ofBytes(manifest), manifest));
    for (Map.Entry<Digest, byte[]> one : image.blobs().entrySet()) {
      tar.add(blob(one.getKey(), one.getValue()));
    }
    return tar.bytes();
  }

  private static TarBytes.Entry blob(Digest digest, byte[] bytes) {
    return TarBytes.file("blobs/" + digest.toString().replace(':', '/'), bytes);
  }

  /** What {@code docker save} writes, with a layer that is a symbolic link to another's place. */
  public static byte[] docker(TestImage image, String tag) {
    String config = image.id().digest().hex() + ".json";
    ObjectNode item = MAPPER.createObjectNode().put("Config", config);
    item.putArray("RepoTags").add(tag);
    ArrayNode layers = item.putArray("Layers");
    TarBytes tar = new TarBytes().add(TarBytes.file(config, image.configBytes()));
    int number = 0;
    for (Map.Entry<Digest, byte[]> one : image.blobs().entrySet()) {
      if (one.getKey().equals(image.id().digest())) {
        continue;
      }
      String name = "layer" + number++ + "/layer.tar";
      tar.add(TarBytes.file("store/" + one.getKey().hex(), one.getValue()));
      tar.add(TarBytes.symlink(name, "../store/" + one.getKey().hex()));
      layers.add(name);
    }
    byte[] manifest = ("[" + item + "]").getBytes(StandardCharsets.UTF_8);
    return tar.add(TarBytes.file("manifest.json", manifest)).bytes();
  }
}
