package dev.molo.image.layer;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Names that stand for the absence of other names: OCI image-spec, layer.md, "Whiteouts"; and how
 * overlayfs spells the same on disk (Documentation/filesystems/overlayfs.rst): a character device
 * 0/0, and an attribute on an opaque directory.
 */
final class Whiteouts {
  static final String OPAQUE_ATTRIBUTE = "trusted.overlay.opaque";

  /**
   * On each directory with whiteouts in it, without a value. overlayfs looks for whiteouts only
   * where it merges directories, and in those that carry this (fs/overlayfs/inode.c of Linux,
   * ovl_get_inode); elsewhere it lists a whiteout as a name, under which there is nothing. Such a
   * place is a directory that no lower layer has, or an opaque one.
   */
  static final String HOLDER_ATTRIBUTE = "trusted.overlay.origin";

  private static final String PREFIX = ".wh.";
  private static final String META_PREFIX = ".wh..wh.";
  private static final String OPAQUE = ".wh..wh..opq";

  private Whiteouts() {}

  static byte[] opaqueValue() {
    return "y".getBytes(StandardCharsets.US_ASCII);
  }

  static boolean isWhiteout(String name) {
    return name.startsWith(PREFIX);
  }

  static boolean isOpaque(String name) {
    return name.equals(OPAQUE);
  }

  /** What a whiteout hides; empty for the private marks of aufs, which say nothing about files. */
  static Optional<String> hidden(String name) throws TarFormatException {
    if (name.startsWith(META_PREFIX)) {
      return Optional.empty();
    }
    String hidden = name.substring(PREFIX.length());
    if (hidden.isEmpty() || hidden.equals(".") || hidden.equals("..")) {
      throw new TarFormatException("a whiteout hides " + (hidden.isEmpty() ? "nothing" : hidden));
    }
    return Optional.of(hidden);
  }
}
