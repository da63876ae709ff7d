package dev.molo.image;

import dev.molo.fault.FaultException;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.ManifestDocument;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import dev.molo.image.layer.StoredLayer;
import dev.molo.image.registry.RegistryClient;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** One run of verification, and of repair where that was asked for. One thread. */
final class ImageVerification {
  private final LayerStore layers;
  private final RegistryClient registry;
  private final VerifyRequest request;
  private final Cancellation cancellation;

  ImageVerification(
      LayerStore layers,
      RegistryClient registry,
      VerifyRequest request,
      Cancellation cancellation) {
    this.layers = layers;
    this.registry = registry;
    this.request = request;
    this.cancellation = cancellation;
  }

  /**
   * Goes through the layers of some images, each once.
   *
   * @param others layers that are to be looked at and that no image has
   */
  List<LayerCheck> run(
      List<ImageRecord> images, List<Digest> others, Consumer<LayerCheck> listener) {
    Set<Digest> wanted = new LinkedHashSet<>();
    images.forEach(image -> wanted.addAll(image.document().diffIds()));
    wanted.addAll(others);
    List<LayerCheck> checks = new ArrayList<>();
    for (Digest diffId : wanted) {
      LayerCheck check = check(diffId, images);
      checks.add(check);
      listener.accept(check);
    }
    return checks;
  }

  private LayerCheck check(Digest diffId, List<ImageRecord> images) {
    boolean needed = images.stream().anyMatch(i -> i.document().diffIds().contains(diffId));
    LayerHold hold = layers.hold("verification", List.of(diffId));
    try {
      Optional<StoredLayer> layer = layers.find(diffId);
      Optional<String> wrong =
          layer.isPresent()
              ? layers.verify(layer.get(), cancellation)
              : Optional.of("it is not there");
      long bytes = layer.map(StoredLayer::bytes).orElse(0L);
      if (wrong.isEmpty()) {
        return new LayerCheck(diffId, bytes, LayerCheck.Verdict.SOUND, "");
      }
      if (!request.repair()) {
        return new LayerCheck(diffId, bytes, LayerCheck.Verdict.DAMAGED, wrong.get());
      }
      layer.ifPresent(damaged -> layers.condemn(damaged, wrong.get()));
      return repair(diffId, wrong.get(), images);
    } finally {
      if (needed) {
        hold.close();
      } else {
        // What a failed pull left goes on waiting for the next attempt.
        hold.closeAndKeep();
      }
    }
  }

  private LayerCheck repair(Digest diffId, String wrong, List<ImageRecord> images) {
    List<String> tried = new ArrayList<>();
    for (ImageRecord image : images) {
      if (image.document().diffIds().contains(diffId)) {
        for (String source : image.digests()) {
          try {
            StoredLayer fresh = fetch(diffId, image, source);
            return new LayerCheck(diffId, fresh.bytes(), LayerCheck.Verdict.REPAIRED, wrong);
          } catch (FaultException e) {
            cancellation.check();
            tried.add(e.getMessage());
          }
        }
      }
    }
    String why =
        tried.isEmpty() ? "no image that needs it came from a registry" : String.join("; ", tried);
    return new LayerCheck(
        diffId, 0, LayerCheck.Verdict.DAMAGED, wrong + "; it cannot be fetched again: " + why);
  }

  private StoredLayer fetch(Digest diffId, ImageRecord image, String source) {
    Reference reference = Reference.parse(source);
    StoredLayer fresh =
        layers.ensure(
            blob(diffId, image, reference),
            diffId,
            registry.open(reference, request.auth(), cancellation),
            cancellation,
            _ -> {});
    layers.sync(List.of(diffId));
    return fresh;
  }

  private static Descriptor blob(Digest diffId, ImageRecord image, Reference reference) {
    byte[] manifest = image.manifest().bytes();
    if (manifest.length > 0
        && ManifestDocument.parse(Digest.ofBytes(manifest), "", manifest)
            instanceof ManifestDocument.Manifest parts) {
      return parts.layers().get(image.document().diffIds().indexOf(diffId));
    }
    throw FaultException.precondition("%s: the image has no manifest", reference);
  }
}
