package dev.molo.image;

import dev.molo.image.archive.ArchiveSink;
import dev.molo.image.archive.ImageExport;
import dev.molo.image.content.Blob;
import dev.molo.image.content.Compression;
import dev.molo.image.layer.LayerFaults;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One export: images packed one after the other into an archive. One thread. */
final class ArchiveExport {
  private final LayerPacker packer;
  private final ExportRequest request;
  private final Cancellation cancellation;

  ArchiveExport(LayerPacker packer, ExportRequest request, Cancellation cancellation) {
    this.packer = packer;
    this.request = request;
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
      boolean docker = request.format() == ExportRequest.Format.DOCKER;
      ImageExport export = docker ? ImageExport.docker(sink) : ImageExport.oci(sink);
      List<ExportedImage> exported = new ArrayList<>();
      for (NamedRecord image : images) {
        exported.add(add(export, image, docker));
      }
      export.end();
      return exported;
    } catch (IOException e) {
      throw LayerFaults.of("export", e);
    }
  }

  private ExportedImage add(ImageExport export, NamedRecord image, boolean docker)
      throws IOException {
    Optional<Compression> compression =
        docker ? Optional.of(Compression.of(Compression.Kind.NONE)) : request.compression();
    try (PackedImage packed = PackedImage.of(image.record(), packer, compression, cancellation)) {
      List<Blob> layers =
          image.record().document().diffIds().stream().map(packed.layers()::get).toList();
      export.add(
          new ImageExport.Item(
              image.names(),
              image.record().id().digest(),
              image.record().config(),
              packed.manifest(),
              packed.descriptor(),
              layers));
      return new ExportedImage(
          image.record().id(),
          image.names(),
          docker ? Optional.empty() : Optional.of(packed.descriptor().digest()),
          !docker && packed.sameManifest());
    }
  }
}
