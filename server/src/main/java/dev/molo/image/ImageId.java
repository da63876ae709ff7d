package dev.molo.image;

/**
 * An image's identity: the digest of its configuration document. It is what PullImage returns, what
 * CRI calls {@code image_id}, and it survives re-tagging, re-compression and a move to another
 * registry.
 */
public record ImageId(Digest digest) implements Comparable<ImageId> {

  /** Parses {@code sha256:…}; INVALID_ARGUMENT otherwise. */
  public static ImageId parse(String text) {
    return new ImageId(Digest.parse(text));
  }

  @Override
  public int compareTo(ImageId other) {
    return digest.compareTo(other.digest);
  }

  @Override
  public String toString() {
    return digest.toString();
  }
}
