package dev.molo.image.layer;

/** What all layers of a store take. */
public record LayerTotals(long bytes, long inodes) {}
