package dev.molo.image;

import java.util.List;
import java.util.Optional;

/**
 * An image as it left.
 *
 * @param id its id, which is the same everywhere
 * @param names under which it went
 * @param digest of its manifest; empty where the form has none
 * @param sameManifest whether that is the manifest it came with: when layers had to be compressed
 *     anew it is another
 */
public record ExportedImage(
    ImageId id, List<String> names, Optional<Digest> digest, boolean sameManifest) {

  /** Copies its list. */
  public ExportedImage {
    names = List.copyOf(names);
  }
}
