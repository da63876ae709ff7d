package dev.molo.image;

import java.nio.file.Path;

/**
 * A container's writable layer as a new layer on its image.
 *
 * @param base the container's image
 * @param upper the writable layer: an overlay's upper directory
 * @param name for the new image
 * @param author as its history shall say; may be empty
 * @param comment as its history shall say; may be empty
 */
public record CommitRequest(ImageId base, Path upper, String name, String author, String comment) {}
