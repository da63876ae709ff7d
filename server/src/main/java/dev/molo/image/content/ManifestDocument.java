package dev.molo.image.content;

import dev.molo.image.Digest;
import dev.molo.image.Quoted;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What lies behind a reference: one image's manifest, or an index of several. A document that could
 * be read as both is refused (GHSA-5j5w-g665-5m35), and so is whatever is not an image, in one
 * sentence that says what it is.
 */
public sealed interface ManifestDocument {

  /** Documents above this size are refused before they are read; registries agree on 4 MiB. */
  int MAX_BYTES = 4 << 20;

  /** No image that runs has more: overlayfs could not mount it. */
  int MAX_LAYERS = 127;

  /**
   * The manifest of one image.
   *
   * @param config its configuration document
   * @param layers base layer first
   */
  record Manifest(Descriptor config, List<Descriptor> layers, Map<String, String> annotations)
      implements ManifestDocument {
    /** Copies its collections. */
    public Manifest {
      layers = List.copyOf(layers);
      annotations = Map.copyOf(annotations);
    }
  }

  /** An index (Docker: manifest list): images for several platforms, or of an archive. */
  record Index(List<Descriptor> manifests) implements ManifestDocument {
    /** Copies its list. */
    public Index {
      manifests = List.copyOf(manifests);
    }
  }

  /**
   * Reads a document.
   *
   * @param digest its digest, for messages
   * @param contentType what the registry (or the descriptor) says it is; empty when nobody does
   * @throws dev.molo.fault.FaultException INVALID_ARGUMENT when it is not an image
   */
  static ManifestDocument parse(Digest digest, String contentType, byte[] bytes) {
    return new ManifestReader("manifest " + digest, bareType(contentType)).read(bytes);
  }

  /** The media type of a manifest or index, which need not say it itself. */
  static String mediaType(byte[] bytes) {
    JsonText json = JsonText.parse("manifest", bytes);
    String said = json.text("mediaType");
    if (!said.isEmpty()) {
      return said;
    }
    return json.has("manifests") ? MediaTypes.OCI_INDEX : MediaTypes.OCI_MANIFEST;
  }

  /** A media type without parameters. */
  private static String bareType(String contentType) {
    int semicolon = contentType.indexOf(';');
    return (semicolon < 0 ? contentType : contentType.substring(0, semicolon)).strip();
  }

  /** The schema rules, one at a time. */
  record ManifestReader(String what, String contentType) {
    private static final Set<String> FIELDS =
        Set.of(
            "schemaVersion",
            "mediaType",
            "artifactType",
            "config",
            "layers",
            "manifests",
            "fsLayers",
            "annotations");

    ManifestDocument read(byte[] bytes) {
      if (MediaTypes.isSchema1(contentType)) {
        throw schema1();
      }
      JsonText json = JsonText.parse(what, bytes);
      json.requireSpelling(FIELDS);
      String type = declaredType(json);
      if (json.node().path("schemaVersion").asInt(0) == 1 || json.has("fsLayers")) {
        throw schema1();
      }
      boolean likeIndex = json.has("manifests");
      boolean likeManifest = json.has("layers") || json.has("config");
      if (likeIndex && likeManifest) {
        throw json.refused("is both a manifest and an index; such a document is refused");
      }
      if (likeIndex != MediaTypes.isIndex(type) && !type.isEmpty()) {
        throw json.refused(
            "says it is "
                + Quoted.of(type)
                + " but "
                + (likeIndex ? "lists manifests" : "lists none"));
      }
      return likeIndex ? index(json) : manifest(json, type);
    }

    private String declaredType(JsonText json) {
      String inside = json.text("mediaType");
      boolean known = MediaTypes.isIndex(contentType) || MediaTypes.isManifest(contentType);
      if (!inside.isEmpty() && known && !inside.equals(contentType)) {
        throw json.refused(
            "says it is " + Quoted.of(inside) + " but is served as " + Quoted.of(contentType));
      }
      String type = inside.isEmpty() && known ? contentType : inside;
      if (!type.isEmpty() && !MediaTypes.isIndex(type) && !MediaTypes.isManifest(type)) {
        throw json.refused("is a " + Quoted.of(type) + ", not an image");
      }
      return type;
    }

    private Index index(JsonText json) {
      return new Index(json.objects("manifests").stream().map(JsonText::descriptor).toList());
    }

    private Manifest manifest(JsonText json, String type) {
      Optional<JsonText> config = json.object("config");
      if (config.isEmpty()) {
        throw json.refused(
            "has neither layers and config nor manifests"
                + (type.isEmpty() ? "" : " though it is a " + type));
      }
      Descriptor configDescriptor = config.get().descriptor();
      if (!MediaTypes.isConfig(configDescriptor.mediaType())) {
        throw json.refused(
            "is an artifact with a configuration of type "
                + Quoted.of(configDescriptor.mediaType())
                + ", not a container image");
      }
      String artifact = json.text("artifactType");
      if (!artifact.isEmpty() && !MediaTypes.isConfig(artifact)) {
        throw json.refused(
            "is an artifact of type " + Quoted.of(artifact) + ", not a container image");
      }
      List<Descriptor> layers = json.objects("layers").stream().map(JsonText::descriptor).toList();
      if (layers.size() > MAX_LAYERS) {
        throw json.refused(
            "has " + layers.size() + " layers; overlayfs mounts " + MAX_LAYERS + " at most");
      }
      for (Descriptor layer : layers) {
        if (!MediaTypes.isLayer(layer.mediaType())) {
          throw json.refused(
              "has a layer of type "
                  + Quoted.of(layer.mediaType())
                  + ", which is not a file system layer");
        }
        if (layer.mediaType().endsWith("+encrypted")) {
          throw json.refused("has an encrypted layer; decryption is not built");
        }
      }
      return new Manifest(configDescriptor, layers, json.textMap("annotations"));
    }

    private dev.molo.fault.FaultException schema1() {
      return JsonText.refused(
          what,
          "is of Docker's schema 1, which was given up in 2020; the image has to be pushed anew by a newer tool",
          null);
    }
  }
}
