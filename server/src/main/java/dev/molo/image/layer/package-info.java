/**
 * Layers: from a compressed tar stream to files on disk. The door is {@link
 * dev.molo.image.layer.LayerStore}, which says what is where.
 *
 * <p>Everything is done relative to a descriptor of the layer's directory and can never leave it.
 * Runs on the bounded pool of platform threads that {@code image} hands in. The files of a layer
 * belong to this package until the layer is renamed into place, and to nobody (they never change)
 * afterwards.
 */
package dev.molo.image.layer;
