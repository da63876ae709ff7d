package dev.molo.image.layer;

/**
 * What unpacking made.
 *
 * @param bytes allocated on disk, reckoned in blocks of 4096
 * @param inodes of the layer's tree with its root
 * @param entries of the archive
 */
public record UnpackedLayer(long bytes, long inodes, long entries) {}
