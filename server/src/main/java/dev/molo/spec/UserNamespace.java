package dev.molo.spec;

import java.util.List;

/** The id mappings of a pod's own user namespace (CRI UserNamespace with mode POD). */
public record UserNamespace(List<IdMapping> uids, List<IdMapping> gids) {
  public UserNamespace {
    uids = List.copyOf(uids);
    gids = List.copyOf(gids);
  }

  /**
   * One run of ids.
   *
   * @param hostId first id on the host; unsigned 32 bits
   * @param containerId first id inside; unsigned 32 bits
   * @param length how many
   */
  public record IdMapping(long hostId, long containerId, long length) {}
}
