package dev.molo.cri;

import dev.molo.config.CgroupConfig;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the edge says of the runtime without asking the domain: fixed for the daemon's life.
 *
 * @param version of molo
 * @param cgroupDriver what the kubelet must agree on
 * @param handlers by name; the default one, "", is always there
 * @param userNamespacesOnHostNetwork whether a pod can have both
 * @param mountOptions whether Mount.mount_options is honoured
 */
public record CriFacts(
    String version,
    CgroupConfig.Driver cgroupDriver,
    Map<String, HandlerFeatures> handlers,
    boolean userNamespacesOnHostNetwork,
    boolean mountOptions) {

  /** Checks that there is a default handler. */
  public CriFacts {
    handlers = java.util.Collections.unmodifiableMap(new TreeMap<>(handlers));
    if (!handlers.containsKey("")) {
      throw new IllegalArgumentException("there is no default runtime handler");
    }
  }

  /**
   * What pods of one handler can have on this host.
   *
   * @param recursiveReadOnlyMounts Mount.recursive_read_only is honoured
   * @param userNamespaces pods can have a user namespace of their own
   */
  public record HandlerFeatures(boolean recursiveReadOnlyMounts, boolean userNamespaces) {}
}
