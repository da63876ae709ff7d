package dev.molo.image;

import dev.molo.image.content.Compression;
import java.util.Optional;

/**
 * An image to push.
 *
 * @param image reference or id of an image in the store
 * @param target where to, with a tag; empty pushes it to where its name says
 * @param compression of the layers; empty keeps what the registry or the store still has of the
 *     blobs that they came as, and else takes gzip
 * @param auth how to identify to the registry
 */
public record PushRequest(
    String image, Optional<String> target, Optional<Compression> compression, RegistryAuth auth) {}
