package dev.molo.launch;

import java.util.List;

/**
 * Who a process runs as, resolved against the image's user database once, when its container is
 * made.
 *
 * @param uid unsigned 32 bits
 * @param gid unsigned 32 bits
 * @param groups supplementary groups, unsigned 32 bits each, without duplicates; the primary group
 *     comes first, as in the container's status of other runtimes
 * @param home the home directory from the image's passwd, {@code /} where it names none
 */
public record ProcessUser(long uid, long gid, List<Long> groups, String home) {
  public ProcessUser {
    groups = List.copyOf(groups);
  }
}
