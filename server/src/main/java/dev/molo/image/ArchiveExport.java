package dev.molo.image;

import dev.molo.image.archive.ArchiveSink;
import dev.molo.image.archive.ImageExport;
import dev.molo.image.content.Blob;
import dev.molo.image.content.Compression;
import dev.molo.image.content.Descriptor;
import dev.molo.image.layer.LayerFaults;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One export: images packed layer after layer into an archive. One thread. */
final class ArchiveExport {
  private final LayerPacker packer;
  private final ExportRequest request;
  private final Optional<Compression> compression;
  private final Cancellation cancellation;
  private final Map<Packing, Descriptor> packed = new HashMap<>();

  /** A layer, and as what an image has it. */
  private record Packing(Digest diffId, Optional<Descriptor> original) {}

  ArchiveExport(LayerPacker packer, ExportRequest request, Cancellation cancellation) {
    this.packer = packer;
    this.request = request;
    this.compression =
        request.format() == ExportRequest.Format.DOCKER
            ? Optional.of(Compression.of(Compression.Kind.NONE))
            : request.compression();
    this.cancellation = cancellation;
  }

  /** Writes the images, whose layers the caller holds. */
  List<ExportedImage> run(List<NamedRecord> images, ExportTarget target) {
    try {
      ArchiveSink sink =
          switch (target) {
            case ExportTarget.Tar tar -> ArchiveSink.tar(tar.out());
            case ExportTarget.Directory directory -> ArchiveSink.directory(directory.path());
          };
      try {
        return into(sink, images);
      } catch (IOException | RuntimeException e) {
        abandon(sink, e);
        throw e;
      }
    } catch (IOException e) {
      throw LayerFaults.of("export", e);
    }
  }

  private static void abandon(ArchiveSink sink, Exception why) {
    try {
      sink.abandon();
    } catch (IOException e) {
      why.addSuppressed(e);
    }
  }

  private List<ExportedImage> into(ArchiveSink sink, List<NamedRecord> images) throws IOException {
    boolean docker = request.format() == ExportRequest.Format.DOCKER;
    ImageExport export = docker ? ImageExport.docker(sink) : ImageExport.oci(sink);
    List<ExportedImage> exported = new ArrayList<>();
    for (NamedRecord image : images) {
      exported.add(add(export, image, docker));
    }
    export.end();
    return exported;
  }

  private ExportedImage add(ImageExport export, NamedRecord image, boolean docker)
      throws IOException {
    ImageRecord record = image.record();
    Map<Digest, Descriptor> originals = PackedImage.originals(record);
    Map<Digest, Descriptor> layers = new HashMap<>();
    for (Digest diffId : record.document().diffIds()) {
      Packing packing = new Packing(diffId, Optional.ofNullable(originals.get(diffId)));
      layers.put(diffId, packed.containsKey(packing) ? packed.get(packing) : pack(export, packing));
    }
    PackedImage documents = PackedImage.of(record, layers);
    export.add(
        new ImageExport.Item(
            image.names(),
            record.id().digest(),
            record.config(),
            documents.manifest(),
            documents.descriptor(),
            record.document().diffIds().stream().map(layers::get).toList()));
    return new ExportedImage(
        record.id(),
        image.names(),
        docker ? Optional.empty() : Optional.of(documents.descriptor().digest()),
        !docker && documents.sameManifest());
  }

  /** One layer at a time: what it is packed into takes room only until it has left. */
  private Descriptor pack(ImageExport export, Packing packing) throws IOException {
    try (Blob blob = packer.pack(packing.diffId(), packing.original(), compression, cancellation)) {
      export.layer(blob);
      packed.put(packing, blob.descriptor());
      return blob.descriptor();
    }
  }
}
