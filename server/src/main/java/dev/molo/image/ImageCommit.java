package dev.molo.image;

import dev.molo.fault.FaultException;
import dev.molo.image.content.Blob;
import dev.molo.image.content.Compression;
import dev.molo.image.content.ConfigDocument;
import dev.molo.image.content.Content;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.ManifestDocument;
import dev.molo.image.content.ManifestText;
import dev.molo.image.content.MediaTypes;
import dev.molo.image.layer.HashingOutput;
import dev.molo.image.layer.LayerFaults;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One commit: a writable layer to a layer of the store, and the documents of the new image. */
final class ImageCommit {
  private static final int BUFFER = 128 << 10;

  private final LayerStore layers;
  private final ImageRecord base;
  private final CommitRequest request;
  private final Cancellation cancellation;

  ImageCommit(
      LayerStore layers, ImageRecord base, CommitRequest request, Cancellation cancellation) {
    this.layers = layers;
    this.base = base;
    this.request = request;
    this.cancellation = cancellation;
  }

  /** What was made; its layers are synced and held until the hold is closed. */
  record Committed(ImageRecord record, LayerHold hold) {}

  /** Makes the layer and the documents. The caller holds the base's layers. */
  Committed run(String name, Instant now) {
    Path scratch =
        layers.scratchDirectory().resolve("commit-" + Long.toHexString(System.nanoTime()) + ".tar");
    try {
      Digest diffId = archive(scratch);
      List<Digest> diffIds = new ArrayList<>(base.document().diffIds());
      diffIds.add(diffId);
      LayerHold hold = layers.hold("commit of " + name, diffIds);
      try {
        layers.ensure(
            Descriptor.of(Compression.of(Compression.Kind.NONE).mediaType(), diffId, size(scratch)),
            diffId,
            (_, _) -> open(scratch),
            cancellation,
            _ -> {});
        layers.sync(diffIds);
        return new Committed(record(name, diffId, now), hold);
      } catch (RuntimeException e) {
        hold.close();
        throw e;
      }
    } finally {
      delete(scratch);
    }
  }

  private Digest archive(Path scratch) {
    try (HashingOutput hashed =
        layers.archives().hashed(Digest.Algorithm.SHA256, Files.newOutputStream(scratch))) {
      try (OutputStream out = new BufferedOutputStream(hashed, BUFFER)) {
        layers.archives().archiveOf(request.upper(), out);
      }
      return hashed.digest();
    } catch (IOException e) {
      throw LayerFaults.of("commit " + request.upper(), e);
    }
  }

  private ImageRecord record(String name, Digest diffId, Instant now) {
    Content config =
        ManifestText.committed(base.config(), diffId, now, request.author(), request.comment());
    Digest id = Digest.ofBytes(config.bytes());
    return new ImageRecord(
        List.of(name),
        List.of(),
        ConfigDocument.parse(id, config.bytes()),
        config,
        manifest(id, config, diffId),
        Map.of());
  }

  /**
   * The manifest with which it will be pushed: the base's blobs as they are, and the new layer as
   * gzip makes it each time. An image of no manifest makes one of none.
   */
  private Content manifest(Digest id, Content config, Digest diffId) {
    Optional<ManifestDocument.Manifest> original = PackedImage.original(base);
    if (original.isEmpty()) {
      return Content.none();
    }
    List<Descriptor> blobs = new ArrayList<>(original.get().layers());
    Optional<Compression> gzip = Optional.of(Compression.of(Compression.Kind.GZIP));
    try (Blob packed = new LayerPacker(layers).pack(diffId, Optional.empty(), gzip, cancellation)) {
      blobs.add(packed.descriptor());
    }
    return ManifestText.manifest(
        Descriptor.of(MediaTypes.OCI_CONFIG, id, config.bytes().length),
        blobs,
        original.get().annotations());
  }

  private static java.io.InputStream open(Path scratch) {
    try {
      return Files.newInputStream(scratch);
    } catch (IOException e) {
      throw LayerFaults.of("read " + scratch, e);
    }
  }

  private static long size(Path scratch) {
    try {
      return Files.size(scratch);
    } catch (IOException e) {
      throw LayerFaults.of("read " + scratch, e);
    }
  }

  private static void delete(Path scratch) {
    try {
      Files.deleteIfExists(scratch);
    } catch (IOException e) {
      throw new FaultException(dev.molo.fault.Fault.INTERNAL, "delete " + scratch + ": " + e, e);
    }
  }
}
