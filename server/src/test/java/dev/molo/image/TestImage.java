package dev.molo.image;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An image made of bytes, to push or to write into an archive. */
public final class TestImage {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Map<Digest, byte[]> blobs = new LinkedHashMap<>();
  private final List<Digest> diffIds = new ArrayList<>();
  private final ArrayNode layers = MAPPER.createArrayNode();
  private final ObjectNode config = MAPPER.createObjectNode();
  private String architecture = Platform.host().architecture();
  private Digest.Algorithm algorithm = Digest.Algorithm.SHA256;
  private Digest.Algorithm diffAlgorithm = Digest.Algorithm.SHA256;
  private boolean docker;

  /** A layer from its plain tar and what is stored of it. */
  public TestImage layer(byte[] tar, byte[] compressed) {
    diffIds.add(Digest.ofBytes(diffAlgorithm, tar));
    Digest digest = blob(compressed);
    layers
        .addObject()
        .put(
            "mediaType",
            docker
                ? "application/vnd.docker.image.rootfs.diff.tar.gzip"
                : "application/vnd.oci.image.layer.v1.tar+gzip")
        .put("size", compressed.length)
        .put("digest", digest.toString());
    return this;
  }

  /** The descriptor of the layer that was added last, to be changed by the test. */
  ObjectNode lastLayer() {
    return (ObjectNode) layers.get(layers.size() - 1);
  }

  public TestImage gzipLayer(byte[] tar) {
    return layer(tar, TarBytes.gzip(tar));
  }

  public TestImage config(String field, String... words) {
    ArrayNode list = config.putArray(field);
    List.of(words).forEach(list::add);
    return this;
  }

  public TestImage configText(String field, String text) {
    config.put(field, text);
    return this;
  }

  /** A field that maps names to texts. */
  public TestImage configMap(String field, Map<String, String> map) {
    ObjectNode node = config.putObject(field);
    map.forEach(node::put);
    return this;
  }

  /** A field that is a set of names, as the specification writes one. */
  public TestImage configSet(String field, String... names) {
    ObjectNode node = config.putObject(field);
    for (String name : names) {
      node.putObject(name);
    }
    return this;
  }

  public TestImage architecture(String name) {
    architecture = name;
    return this;
  }

  /** By which function content is named from here on. */
  TestImage digests(Digest.Algorithm by) {
    return digests(by, by);
  }

  /** Stored content by one function, plain layers by another. */
  TestImage digests(Digest.Algorithm by, Digest.Algorithm diffIdsBy) {
    algorithm = by;
    diffAlgorithm = diffIdsBy;
    return this;
  }

  /** As this image names content. */
  Digest digest(byte[] bytes) {
    return Digest.ofBytes(algorithm, bytes);
  }

  /** Docker's media types from here on. */
  public TestImage docker() {
    docker = true;
    return this;
  }

  public byte[] configBytes() {
    ObjectNode document = MAPPER.createObjectNode();
    document
        .put("architecture", architecture)
        .put("os", "linux")
        .put("created", "2024-05-06T07:08:09.123456789Z");
    document.set("config", config);
    ArrayNode ids = document.putObject("rootfs").put("type", "layers").putArray("diff_ids");
    diffIds.forEach(d -> ids.add(d.toString()));
    return document.toString().getBytes(StandardCharsets.UTF_8);
  }

  public byte[] manifestBytes() {
    byte[] configBytes = configBytes();
    Digest digest = blob(configBytes);
    ObjectNode manifest = MAPPER.createObjectNode();
    manifest.put("schemaVersion", 2).put("mediaType", mediaType());
    manifest
        .putObject("config")
        .put(
            "mediaType",
            docker
                ? "application/vnd.docker.container.image.v1+json"
                : "application/vnd.oci.image.config.v1+json")
        .put("size", configBytes.length)
        .put("digest", digest.toString());
    manifest.set("layers", layers);
    return manifest.toString().getBytes(StandardCharsets.UTF_8);
  }

  public String mediaType() {
    return docker
        ? "application/vnd.docker.distribution.manifest.v2+json"
        : "application/vnd.oci.image.manifest.v1+json";
  }

  public String architecture() {
    return architecture;
  }

  public ImageId id() {
    return new ImageId(digest(configBytes()));
  }

  public List<Digest> diffIds() {
    return List.copyOf(diffIds);
  }

  /** Everything but the manifest. */
  public Map<Digest, byte[]> blobs() {
    manifestBytes();
    return blobs;
  }

  private Digest blob(byte[] bytes) {
    Digest digest = digest(bytes);
    blobs.put(digest, bytes);
    return digest;
  }

  /** An index of several images. */
  public static byte[] index(TestImage... images) {
    ObjectNode index = MAPPER.createObjectNode();
    index.put("schemaVersion", 2).put("mediaType", "application/vnd.oci.image.index.v1+json");
    ArrayNode manifests = index.putArray("manifests");
    for (TestImage image : images) {
      byte[] manifest = image.manifestBytes();
      manifests
          .addObject()
          .put("mediaType", image.mediaType())
          .put("size", manifest.length)
          .put("digest", image.digest(manifest).toString())
          .putObject("platform")
          .put("os", "linux")
          .put("architecture", image.architecture());
    }
    return index.toString().getBytes(StandardCharsets.UTF_8);
  }
}
