package dev.molo.image;

import dev.molo.image.content.Descriptor;

/**
 * What became of one layer of a push, or how far it is.
 *
 * @param diffId which
 * @param blob as what it went; while it is packed, as what it came or would go
 * @param stage where it is
 * @param bytes sent
 */
public record PushedLayer(Digest diffId, Descriptor blob, Stage stage, long bytes) {

  /** The steps; the last three are ends. */
  public enum Stage {
    /** The tar is made again and compressed. */
    PACKING,
    UPLOADING,
    /** The repository had it. */
    PRESENT,
    /** The registry took it from another of its repositories. */
    MOUNTED,
    UPLOADED
  }
}
