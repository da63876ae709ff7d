package dev.molo.image;

import java.util.List;

/**
 * An image as it lies in the registry now.
 *
 * @param reference where
 * @param image id, manifest's digest, and whether that is the one it came with
 * @param layers base layer first, each once
 */
public record PushedImage(Reference reference, ExportedImage image, List<PushedLayer> layers) {

  /** Copies its list. */
  public PushedImage {
    layers = List.copyOf(layers);
  }
}
