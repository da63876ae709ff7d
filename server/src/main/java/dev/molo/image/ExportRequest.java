package dev.molo.image;

import dev.molo.image.content.Compression;
import java.util.List;
import java.util.Optional;

/**
 * What to write into an archive.
 *
 * @param images references or ids; at least one
 * @param format of the archive
 * @param compression of the layers in an image layout; empty keeps what can be kept, and else takes
 *     gzip. What {@code docker load} reads has plain layers, always
 */
public record ExportRequest(List<String> images, Format format, Optional<Compression> compression) {

  /** The forms of an archive. */
  public enum Format {
    /** OCI image layout. */
    OCI,
    /** What {@code docker save} writes. */
    DOCKER
  }

  /** Copies its list. */
  public ExportRequest {
    images = List.copyOf(images);
  }
}
