package dev.molo.image.archive;

import java.util.List;
import java.util.Map;

/** What an image layout calls its images. */
final class ArchiveNames {
  static final String CONTAINERD = "io.containerd.image.name";
  static final String REF_NAME = "org.opencontainers.image.ref.name";

  private ArchiveNames() {}

  /**
   * containerd and Docker write the full name. The specification's own annotation may hold a name
   * or just a tag; a bare word is taken as a tag, which names nothing by itself.
   */
  static List<String> of(Map<String, String> annotations) {
    String full = annotations.getOrDefault(CONTAINERD, "");
    if (!full.isEmpty()) {
      return List.of(full);
    }
    String name = annotations.getOrDefault(REF_NAME, "");
    boolean bareTag = name.indexOf('/') < 0 && name.indexOf(':') < 0;
    return name.isEmpty() || bareTag ? List.of() : List.of(name);
  }
}
