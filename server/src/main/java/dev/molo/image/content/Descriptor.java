package dev.molo.image.content;

import dev.molo.image.Digest;
import dev.molo.image.Platform;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A pointer to content: OCI image-spec, descriptor.md.
 *
 * @param mediaType what the content is; empty when the document does not say
 * @param digest what its bytes hash to
 * @param size its length in bytes
 * @param platform for entries of an index
 * @param urls other places to fetch it from (non-distributable layers)
 * @param annotations as written
 */
public record Descriptor(
    String mediaType,
    Digest digest,
    long size,
    Optional<Platform> platform,
    List<String> urls,
    Map<String, String> annotations) {

  /** Copies its collections. */
  public Descriptor {
    urls = List.copyOf(urls);
    annotations = Map.copyOf(annotations);
  }

  /** A descriptor with nothing but type, digest and size. */
  public static Descriptor of(String mediaType, Digest digest, long size) {
    return new Descriptor(mediaType, digest, size, Optional.empty(), List.of(), Map.of());
  }
}
