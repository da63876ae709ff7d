package dev.molo.image;

import dev.molo.image.content.Content;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.ManifestDocument;
import dev.molo.image.content.ManifestText;
import dev.molo.image.content.MediaTypes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The documents of an image that leaves, for what its layers went as.
 *
 * @param manifest the document's bytes: those that the image came with when every blob is the one
 *     it came as
 * @param descriptor of the manifest
 * @param sameManifest whether it is the one that the image came with
 */
record PackedImage(Content manifest, Descriptor descriptor, boolean sameManifest) {

  /** The parts of the manifest that an image came with; empty for what docker save wrote. */
  static Optional<ManifestDocument.Manifest> original(ImageRecord image) {
    byte[] bytes = image.manifest().bytes();
    if (bytes.length > 0
        && ManifestDocument.parse(Digest.ofBytes(bytes), "", bytes)
            instanceof ManifestDocument.Manifest manifest) {
      return Optional.of(manifest);
    }
    return Optional.empty();
  }

  /** The original descriptor of each layer, as far as there is one. */
  static Map<Digest, Descriptor> originals(ImageRecord image) {
    Map<Digest, Descriptor> blobs = new LinkedHashMap<>();
    List<Digest> diffIds = image.document().diffIds();
    original(image)
        .ifPresent(manifest -> {
          for (int i = 0; i < diffIds.size(); i++) {
            blobs.putIfAbsent(diffIds.get(i), manifest.layers().get(i));
          }
        });
    return blobs;
  }

  /**
   * Made once all layers are packed.
   *
   * @param layers by diffID
   */
  static PackedImage of(ImageRecord image, Map<Digest, Descriptor> layers) {
    List<Descriptor> blobs = image.document().diffIds().stream().map(layers::get).toList();
    Optional<ManifestDocument.Manifest> original = original(image);
    boolean same =
        original.isPresent()
            && digests(original.get().layers()).equals(digests(blobs))
            && original.get().config().digest().equals(image.id().digest());
    Content manifest =
        same
            ? image.manifest()
            : ManifestText.manifest(
                Descriptor.of(
                    MediaTypes.OCI_CONFIG, image.id().digest(), image.config().bytes().length),
                blobs,
                original.map(ManifestDocument.Manifest::annotations).orElse(Map.of()));
    byte[] bytes = manifest.bytes();
    return new PackedImage(
        manifest,
        Descriptor.of(ManifestDocument.mediaType(bytes), Digest.ofBytes(bytes), bytes.length),
        same);
  }

  private static List<Digest> digests(List<Descriptor> blobs) {
    List<Digest> digests = new ArrayList<>();
    blobs.forEach(blob -> digests.add(blob.digest()));
    return digests;
  }
}
